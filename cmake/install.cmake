# What `make install prefix=...` puts where.
include(GNUInstallDirs)

if(TARGET varjoin)
  install(TARGETS varjoin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The manual page and the completions are printed by the program from its own option tables.
  set(VJ_GENERATED ${CMAKE_CURRENT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${VJ_GENERATED})
  add_custom_command(TARGET varjoin POST_BUILD
    COMMAND sh -c "\"$<TARGET_FILE:varjoin>\" --man > varjoin.1 && \
\"$<TARGET_FILE:varjoin>\" --completion bash > varjoin.bash && \
\"$<TARGET_FILE:varjoin>\" --completion zsh > _varjoin && \
\"$<TARGET_FILE:varjoin>\" --completion fish > varjoin.fish"
    WORKING_DIRECTORY ${VJ_GENERATED} VERBATIM)
  install(FILES ${VJ_GENERATED}/varjoin.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${VJ_GENERATED}/varjoin.bash RENAME varjoin
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${VJ_GENERATED}/_varjoin DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${VJ_GENERATED}/varjoin.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

if(TARGET varjoin_shared)
  install(TARGETS varjoin_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY include/varjoin DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
configure_file(cmake/varjoin.pc.in varjoin.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/varjoin.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
