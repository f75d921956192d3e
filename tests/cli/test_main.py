"""What stands before the verbs: --version, --help, unknown words, exit codes."""

import os
import shutil
import subprocess

import pytest


def test_version_names_the_libraries(varjoin):
    lines = varjoin("--version").stdout.splitlines()
    assert lines[0].startswith("varjoin ")
    for library in ("htslib", "zstd", "libdeflate", "snappy", "lz4", "xxhash"):
        assert library in lines[1]


def test_help_lists_verbs_and_exit_codes(varjoin):
    text = varjoin("--help").stdout
    assert "Verbs:" in text and "130 interrupted" in text
    assert varjoin("help").stdout == text


def test_no_verb_is_a_usage_error_on_stderr(varjoin):
    done = varjoin(exit_code=1)
    assert done.stdout == "" and "Verbs:" in done.stderr


def test_unknown_verb_is_one_line(varjoin):
    done = varjoin("frobnicate", exit_code=1)
    assert done.stderr == "varjoin: error: no verb 'frobnicate'; see varjoin --help\n"
    assert done.stdout == ""


def test_control_bytes_in_a_verb_are_not_printed(varjoin):
    done = varjoin("a\x1b[2Jb", exit_code=1)
    assert "\x1b" not in done.stderr


def test_misspelt_verb_names_the_nearest(varjoin, has_verb):
    if not has_verb("simulate"):
        pytest.skip("this program has no verb simulate")
    done = varjoin("simluate", exit_code=1)
    assert done.stderr == "varjoin: error: no verb 'simluate'; nearest is 'simulate'\n"


@pytest.mark.parametrize("verb", ["annotate", "normalize", "simulate", "inspect", "verify", "doctor", "bench", "report", "plan"])
def test_misspelt_option_names_the_nearest(varjoin, has_verb, verb):
    if not has_verb(verb):
        pytest.skip(f"this program has no verb {verb}")
    done = varjoin(verb, "--verbositty=2", exit_code=1)
    assert done.stderr == (
        f"varjoin: error: unknown option --verbositty of '{verb}'; nearest is --verbosity\n"
    )


@pytest.mark.parametrize("verb", ["annotate", "normalize", "simulate", "inspect", "verify", "doctor", "bench", "report", "plan"])
def test_every_verb_has_grouped_help(varjoin, has_verb, verb):
    if not has_verb(verb):
        pytest.skip(f"this program has no verb {verb}")
    text = varjoin(verb, "--help").stdout
    assert text.startswith(f"varjoin {verb} - ")
    assert f"Usage: varjoin {verb}" in text
    assert "\nGeneral:\n" in text
    assert varjoin("help", verb).stdout == text


def test_full_standard_output_is_exit_3(varjoin):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    with open("/dev/full", "w") as full:
        done = varjoin("--help", exit_code=3, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.stderr.startswith("varjoin: error: writing to standard output: ")


def test_man_page_is_well_formed(varjoin):
    text = varjoin("--man").stdout
    assert text.startswith(".TH VARJOIN 1 ")
    assert ".SH EXIT STATUS" in text and "varjoin\\-annotate" in text
    if shutil.which("man"):
        done = subprocess.run(
            ["man", "-l", "--warnings", "-"], input=text, capture_output=True, text=True,
            env={**os.environ, "MANROFFOPT": "-ww", "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_parse(varjoin, shell):
    text = varjoin("--completion", shell).stdout
    assert "varjoin" in text
    if shutil.which(shell):
        done = subprocess.run([shell, "-n", "/dev/stdin"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_man_page_of_a_verb(varjoin):
    text = varjoin("--man", "reference", "build").stdout
    assert text.startswith(".TH VARJOIN\\-REFERENCE\\-BUILD 1 ") and ".SH OPTIONS" in text
    done = varjoin("--man", "nothing", exit_code=1)
    assert done.stderr == "varjoin: error: --man: there is no verb 'nothing'; see varjoin --help\n"


def test_completion_for_another_shell_is_refused(varjoin):
    done = varjoin("--completion", "tcsh", exit_code=1)
    assert done.stderr == "varjoin: error: --completion: give bash, zsh or fish\n"


def bash_complete(varjoin, tmp_path, *words):
    script = tmp_path / "varjoin.bash"
    script.write_text(varjoin("--completion", "bash").stdout)
    quoted = " ".join(f"'{w}'" for w in words)
    done = subprocess.run(
        ["bash", "-c", f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1};"
         " _varjoin; printf '%s\\n' \"${COMPREPLY[@]}\""],
        capture_output=True, text=True, check=True,
    )
    return done.stdout.split()


def test_bash_completes_options_of_the_verb(varjoin, has_verb, tmp_path):
    if not has_verb("simulate"):
        pytest.skip("this program has no verb simulate")
    assert bash_complete(varjoin, tmp_path, "varjoin", "simu") == ["simulate"]
    assert "--seed" in bash_complete(varjoin, tmp_path, "varjoin", "simulate", "--se")
