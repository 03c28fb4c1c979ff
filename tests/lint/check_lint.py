#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does tests/lint/run find what it must, and nothing else? On small trees made here."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).resolve().parent / "run"
SPDX = "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"


class LintTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def write(self, path, text, opening=SPDX):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(opening + text)

    def run_lint(self, *args):
        done = subprocess.run([sys.executable, RUN, "--root", self.root, *args], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1 if done.stdout else 0)
        return done.stdout.splitlines()

    def test_arrows(self):
        for header in ("base/a.h", "api/b.h", "api/server/s.h", "cluster/c.h", "runtime/r.h", "tui/t.h"):
            self.write(f"src/{header}", "/* x */\n")
        includes = {
            "base/x.c": ["base/a.h"], "api/x.c": ["base/a.h", "api/server/s.h"], "cluster/x.c": ["api/b.h", "c.h"],
            "tui/x.c": ["cluster/c.h", "runtime/r.h"], "main.c": ["tui/t.h", "api/server/s.h"],
        }
        for path, headers in includes.items():
            self.write(f"src/{path}", "".join(f'#include "{h}"\n' for h in headers))
        self.assertEqual(self.run_lint("arrows"), [])
        wrong = {"base/y.c": "api/b.h", "api/server/y.c": "cluster/c.h", "cluster/y.c": "runtime/r.h", "runtime/y.c": "api/server/s.h",
                 "cluster/z.c": "tui/t.h"}
        for path, header in wrong.items():
            self.write(f"src/{path}", f'# include "{header}"\n')
        found = self.run_lint("arrows")
        self.assertEqual(len(found), len(wrong))
        self.assertIn("src/base/y.c:2: base must not include api (api/b.h)", found)
        self.assertIn("src/runtime/y.c:2: runtime must not include api/server (api/server/s.h)", found)

    def test_function_length(self):
        body = "\tcall(\"}\", '}'); /* } */\n"
        self.write("src/base/f.c", "static int fits(int a,\n\tint b)\n{\n" + body * 66 + "}\n"
                   "const struct x table[] = {\n" + "\t{1},\n" * 100 + "};\n#define M(x) \\\n\t{ \\\n\t\tx\n"
                   "__attribute__((format(printf, 1, 2))) void longer(void)\n{\n\tif (x) {\n" + body * 67 + "\t}\n}\n")
        self.assertEqual(self.run_lint("sizes"), ["src/base/f.c:longer: 72 lines, the limit is 70"])

    def test_ratchet(self):
        self.write("src/base/f.c", "int x; /* " + "x" * 100 + " */\n")
        self.write("src/base/g.c", "\n" * 900)
        (self.root / "tests/lint").mkdir(parents=True)
        self.assertEqual(len(self.run_lint("sizes")), 2)
        self.assertEqual(self.run_lint("--update"), [])
        self.write("src/base/f.c", ("int x; /* " + "x" * 100 + " */\n") * 2)
        self.write("src/base/h.c", "\n" * 900)
        self.assertEqual(self.run_lint("sizes", "--update"),
                         ["src/base/f.c: 2 lines beyond 100 columns (it had 1)", "src/base/h.c: 901 lines, the limit is 800"])
        self.write("src/base/f.c", "")
        self.write("src/base/h.c", "")
        self.write("src/base/g.c", "\n" * 850)
        self.assertEqual(self.run_lint("--update"), [])
        self.write("src/base/g.c", "\n" * 860)
        self.assertEqual(self.run_lint("sizes"), ["src/base/g.c: 861 lines, the limit is 800 (it had 851)"])

    def test_limits_that_hold_always(self):
        self.write("src/base/g.c", "\n" * 1300)
        self.write("src/base/table.c", "/* lint: table */\n" + "x" * 200 + "\n" * 1300)
        (self.root / "tests/lint").mkdir(parents=True)
        self.assertEqual(self.run_lint("--update"), ["src/base/g.c: 1301 lines, no file may have more than 1200"])

    def test_openings(self):
        self.write("src/base/a.c", "", opening="int x;\n")
        self.write("src/base/b.h", "#define X\n")
        self.write("src/base/c.h", "/* x */\n")
        found = self.run_lint("openings")
        self.assertEqual([line.split(" ")[0] for line in found], ["src/base/a.c:1:", "src/base/b.h:2:"])

    def test_documents(self):
        self.write("src/base/a.c", "")
        self.write("dev", "case $1 in\nrun)\n", opening="")
        self.write("README.md", "`src/base/a.c` `src/base/<name>.c` `src/base/` `./dev run [X]` `tests/*.py` `a.c`\n", opening="")
        self.write("CONTRIBUTING.md", "`./dev walk`\n`src/base/b.c` `src/api/<name>.c`\n", opening="")
        self.assertEqual(self.run_lint("documents"), [
            "CONTRIBUTING.md:1: ./dev knows no walk", "CONTRIBUTING.md:2: there is no src/base/b.c",
            "CONTRIBUTING.md:2: there is no src/api/<name>.c", "README.md:1: there is no tests/*.py"])

    def test_clang(self):
        self.write("good.c", "int good(void);\nint good(void)\n{\n\treturn 0;\n}\n")
        self.write("bad.c", "void end(int *p);\nint bad(int a);\nint bad(int a)\n{\n\tif (a)\n\t\tgoto out;\n"
                   "\t__attribute__((cleanup(end))) int b = a;\nout:\n\treturn b;\n}\n")
        for name, code in ("good", 0), ("bad", 1):
            entry = {"directory": str(self.root), "file": f"{name}.c",
                     "command": f"/usr/bin/ccache /usr/bin/cc -Wall -Werror=jump-misses-init -o {name}.o -c {name}.c"}
            (self.root / "compile_commands.json").write_text(json.dumps([entry]))
            done = subprocess.run([sys.executable, RUN.with_name("clang"), "clang-14", self.root], stdout=subprocess.PIPE, text=True,
                                  check=False)
            if done.returncode == 77:
                self.skipTest(done.stdout)
            self.assertEqual(done.returncode, code, done.stdout)
        self.assertIn("1 files, 1 that clang-14 refuses", done.stdout)
        self.assertFalse((self.root / "good.o").exists())


if __name__ == "__main__":
    unittest.main()
