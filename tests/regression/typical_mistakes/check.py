#!/usr/bin/env python3
"""What a compiler and a program say to typical mistakes: check.py COMPILER LIBRARY INCLUDE-DIRECTORY [CASE...]

The first line of each program beside this says what is expected:
  // refused: TEXT   it does not compile; the first error has TEXT, and the compiler prints at most 40 lines
  // runs: TEXT      it compiles, and prints TEXT within 30 s; a process that is aborted says its reason first
  // compiles        it compiles; it is not run
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

MOST_LINES = 40
here = pathlib.Path(__file__).parent
compiler, library, include = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
cases = [here / f"{name}.cpp" for name in sys.argv[4:]] or sorted(here.glob("*.cpp"))
work = tempfile.TemporaryDirectory(prefix="typical.")
precompiled = pathlib.Path(work.name, "typical_mistakes.hpp")
environment = dict(os.environ, LC_ALL="C", TMPDIR=work.name)
# All of them with the same options: a header that was precompiled with others is read from its text, ten times as long.
base = [compiler, "-std=c++20", "-O0", "-pthread", "-Werror=invalid-pch", "-I", include]


def run(command, seconds=300):
    return subprocess.run(command, env=environment, text=True, errors="replace", timeout=seconds,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def problem_of(case):
    kind, _, text = case.read_text().splitlines()[0].removeprefix("// ").partition(": ")
    program = pathlib.Path(work.name, case.stem)
    include_precompiled = ["-include", str(precompiled), str(case)]
    if kind == "refused":
        compiled = run([*base, "-fsyntax-only", *include_precompiled])
        lines = compiled.stdout.splitlines()
        first = next((line for line in lines if "error:" in line), "")
        if compiled.returncode == 0:
            return "it compiles"
        if text not in first:
            return f"the first error is: {first}"
        lines = [line for line in lines if "from <command-line>" not in line]  # no user precompiles by -include
        return f"{len(lines)} lines" if len(lines) > MOST_LINES else None
    compiled = run([*base, "-rdynamic", *include_precompiled, "-o", str(program), str(library),
                    f"-Wl,-rpath,{library.parent}"])
    if compiled.returncode != 0:
        return "it does not compile:\n" + compiled.stdout
    if kind == "compiles":
        return None
    printed = run([str(program)], 60).stdout
    return None if text in printed else f"it prints: {printed}"


def problem_of_older_language(header):
    """A compiler for C++17 says in the first place that C++20 is needed, whatever header is included."""
    compiled = run([compiler, "-std=c++17", "-fsyntax-only", "-I", include, "-x", "c++", str(header)])
    first = next((line for line in compiled.stdout.splitlines() if "error: " in line), "")
    if compiled.returncode == 0 or "cohort: C++20 is needed: compile with -std=c++20" in first:
        return None
    return f"with -std=c++17 the first error is: {first}"


compiled = run([*base, "-x", "c++-header", str(here / "typical_mistakes.hpp"), "-o", f"{precompiled}.gch"])
if compiled.returncode != 0:
    sys.exit(compiled.stdout)
precompiled.symlink_to(here / "typical_mistakes.hpp")
failed = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for case, problem in zip(cases, pool.map(problem_of, cases)):
        if problem:
            failed += 1
            print(f"{case.stem}: expected {case.read_text().splitlines()[0]}\n  {problem}")
    headers = [] if sys.argv[4:] else sorted(pathlib.Path(include, "cohort").glob("*.hpp"))
    for header, problem in zip(headers, pool.map(problem_of_older_language, headers)):
        if problem:
            failed += 1
            print(f"{header}: {problem}")
cases += headers
print(f"{len(cases) - failed} passed, {failed} failed")
sys.exit(failed != 0)
