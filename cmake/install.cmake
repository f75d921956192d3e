# What `make install prefix=...` puts where.
include(GNUInstallDirs)

if(TARGET varjoin)
  install(TARGETS varjoin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The manual pages and the completions are printed by the program from its own option tables.
  set(VJ_GENERATED ${CMAKE_CURRENT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${VJ_GENERATED})
  add_custom_command(TARGET varjoin POST_BUILD
    COMMAND ${PROJECT_SOURCE_DIR}/cmake/print_docs.sh $<TARGET_FILE:varjoin> .
    WORKING_DIRECTORY ${VJ_GENERATED} VERBATIM)
  install(DIRECTORY ${VJ_GENERATED}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
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

# find_package(varjoin): the target varjoin::varjoin.
include(CMakePackageConfigHelpers)
set(VJ_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/varjoin)
configure_package_config_file(cmake/varjoin-config.cmake.in varjoin-config.cmake
  INSTALL_DESTINATION ${VJ_PACKAGE_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/varjoin-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/varjoin-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/varjoin-config-version.cmake DESTINATION ${VJ_PACKAGE_DIR})
