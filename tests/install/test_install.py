#!/usr/bin/env python3
"""Tests of what `make install` puts where: test_install.py PATH/TO/mastra-store

It is installed once, below a directory that is put in front of the prefix, as packagers do."""

import atexit
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile

import examples
from examples import Programs
from postgres import Postgres
from stores import beside
from support import COMMAND, Store, contains, equal, main

BUILD = os.environ["MASTRA_BUILD_ROOT"]
SOURCE = os.environ["MASTRA_SOURCE_ROOT"]
COMPILER = shlex.split(os.environ.get("CC", "cc"))
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def output(*command, **kwargs):
    """What a command prints that succeeds; its errors are in the message when it does not."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **kwargs)
    if done.returncode:
        raise AssertionError(f"{shlex.join(command)}: {done.returncode}\n{done.stdout}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def build_option(name):
    options = json.loads(output("meson", "introspect", "--buildoptions", BUILD))
    return next(option["value"] for option in options if option["name"] == name)


def project_version():
    return json.loads(output("meson", "introspect", "--projectinfo", BUILD))["version"]


class Tree:
    """The installed tree, made when it is first asked for."""

    def __init__(self):
        self.destdir = tempfile.mkdtemp(prefix="mastra-install-")
        atexit.register(shutil.rmtree, self.destdir, ignore_errors=True)
        output("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", env={**os.environ, "DESTDIR": self.destdir})
        self.prefix = os.path.join(self.destdir, build_option("prefix").lstrip("/"))
        self.libdir = os.path.join(self.prefix, build_option("libdir"))
        self.include = os.path.join(self.prefix, "include")
        self.share = os.path.join(self.prefix, "share")
        self.library = os.path.join(self.libdir, f"libmastra-store.so.{project_version()}")

    def files(self):
        return [os.path.join(folder, name) for folder, _, names in os.walk(self.destdir) for name in names]

    def pkg_config(self, *args):
        environment = {**os.environ, "PKG_CONFIG_PATH": os.path.join(self.libdir, "pkgconfig"),
                       "PKG_CONFIG_SYSROOT_DIR": self.destdir}
        return output("pkg-config", *args, "mastra-store", env=environment).strip()


class Folder:
    """The tree, and a place to work in. A plain store is for what the examples are run on."""

    tree = None

    def __init__(self, folder):
        Folder.tree = Folder.tree or Tree()
        self.folder = folder
        self.url = f"file:{folder}/example.db"


def build_examples(folder, *flags):
    """By the compiler alone, all at a time."""
    running = [subprocess.Popen([*COMPILER, *STRICT, os.path.join(SOURCE, "examples", f"{name}.c"),
                                 "-o", os.path.join(folder, name), *flags], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True) for name in examples.NAMES]
    for process in running:
        out = process.communicate()[0]
        if process.returncode:
            raise AssertionError(f"{shlex.join(process.args)}\n{out}")


def run_examples(place, programs, static):
    """What they do with a file; what they are linked to is as it is asked for."""
    for name in examples.NAMES:
        needed = output("readelf", "-d", os.path.join(programs.folder, name))
        equal("libmastra-store.so" in needed, not static)
    examples.quickstart(programs, place.folder)
    examples.chat(programs, place.url)
    examples.trace(programs, beside(place, "trace.db"))
    examples.move(programs, beside(place, "old.db"), Postgres(None).url)
    examples.workflow(programs, beside(place, "workflow.db"))


def test_pkg_config(place: Folder):
    flags = shlex.split(place.tree.pkg_config("--cflags", "--libs"))
    # The libraries that it is built with are its own affair.
    equal([flag for flag in flags if flag.startswith("-l")], ["-lmastra-store"])
    build_examples(place.folder, *flags)
    run_examples(place, Programs(place.folder, libraries=place.tree.libdir), False)


def test_pkg_config_of_a_moved_tree(place: Folder):
    """It says where it is, whatever the prefix was, and with a sysroot in front of it, too."""
    moved = os.path.join(place.folder, "moved")
    shutil.copytree(place.tree.prefix, moved, symlinks=True)
    libdir = os.path.join(moved, build_option("libdir"))
    for sysroot in "", place.folder:
        flags = output("pkg-config", "--cflags", "--libs", "mastra-store", env={
            **os.environ, "PKG_CONFIG_PATH": os.path.join(libdir, "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": sysroot}).split()
        equal([flag[:2] + os.path.realpath(flag[2:]) for flag in flags if flag[:2] in ("-I", "-L")],
              ["-I" + os.path.realpath(os.path.join(moved, "include")), "-L" + os.path.realpath(libdir)])


def test_uninstall(place: Folder):
    """What is ours goes, what others have put beside it stays."""
    destdir = os.path.join(place.folder, "root")
    prefix = build_option("prefix")
    shutil.copytree(place.tree.destdir, destdir, symlinks=True)
    other = os.path.join(destdir, prefix.lstrip("/"), "include/mastra/other.h")
    open(other, "w", encoding="utf-8").close()
    command = (os.path.join(SOURCE, "scripts/uninstall"), BUILD, prefix, destdir)
    equal(output(*command), f"removed {len(place.tree.files())} files below {destdir}{prefix}\n")
    left = [os.path.join(folder, name) for folder, folders, names in os.walk(destdir) for name in names + folders
            if name in names or name.startswith("mastra")]
    equal(left, [os.path.dirname(other), other])
    contains(output(*command), "removed 0 files")


def test_pkg_config_static(place: Folder):
    # Only ours is to be static: the others have static libraries hardly anywhere.
    flags = place.tree.pkg_config("--static", "--cflags", "--libs").replace("-lmastra-store", "-l:libmastra-store.a")
    build_examples(place.folder, *shlex.split(flags))
    run_examples(place, Programs(place.folder), True)


def build_by_cmake(place, *options):
    """Against a copy of the tree, which shows that the package does not depend on its place."""
    moved = os.path.join(place.folder, "moved to")
    if not os.path.exists(moved):
        shutil.copytree(place.tree.prefix, moved, symlinks=True)
    built = os.path.join(place.folder, "cmake")
    environment = {**os.environ, "CFLAGS": shlex.join(STRICT)}
    output("cmake", "-S", os.path.join(SOURCE, "examples"), "-B", built, f"-DCMAKE_PREFIX_PATH={moved}", *options, env=environment)
    output("cmake", "--build", built, "--parallel", "2")
    return Programs(built)


def test_cmake(place: Folder):
    run_examples(place, build_by_cmake(place), False)


def test_cmake_static(place: Folder):
    run_examples(place, build_by_cmake(place, "-DSTATIC=ON"), True)


def test_cmake_versions_and_components(place: Folder):
    version = project_version()
    major, minor, patch = version.split(".")
    asked = {version: True, f"{major}.{minor}": True, "": True, f"{version} EXACT": True, "0.0": False,
             f"{major}.{int(minor) + 1}": False, f"{int(major) + 1}": False, f"{major}.{minor}.{int(patch) + 1}": False,
             f"{major}.{minor}...<9": True, "9...10": False, f"0...<{version}": False,
             f"{major}.{minor} COMPONENTS static": True, f"{major}.{minor} COMPONENTS other": False}
    with open(os.path.join(place.folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write("cmake_minimum_required(VERSION 3.19)\nproject(versions C)\n")
        for n, words in enumerate(asked):
            file.write(f"unset(mastra-store_DIR CACHE)\nfind_package(mastra-store {words} QUIET CONFIG)\n"
                       f'message("{n} ${{mastra-store_FOUND}}")\n')
    out = output("cmake", "-S", place.folder, "-B", os.path.join(place.folder, "b"), f"-DCMAKE_PREFIX_PATH={place.tree.prefix}")
    found = [line.split()[1] in ("1", "TRUE") for line in out.splitlines() if re.match(r"\d+ (0|1|TRUE|FALSE)$", line)]
    equal(dict(zip(asked, found, strict=True)), asked)


def test_nothing_tells_where_it_was_built(place: Folder):
    for path in place.tree.files():
        with open(path, "rb") as file:
            content = file.read()
        for secret in (BUILD, SOURCE, place.tree.destdir):
            if secret.encode() in content:
                raise AssertionError(f"{path} holds {secret}")
    for path in (place.tree.library, os.path.join(place.tree.prefix, "bin/mastra-store")):
        equal(re.findall(r"\((?:RPATH|RUNPATH)\).*", output("readelf", "-d", path)), [])


def test_what_is_there(place: Folder):
    tree, version = place.tree, project_version()
    there = sorted(os.path.relpath(path, tree.prefix) for path in tree.files())
    libdir = build_option("libdir")
    headers = [f"include/mastra/{name}" for name in os.listdir(os.path.join(SOURCE, "include/mastra"))]
    equal(there, sorted(headers + [f"{libdir}/{name}" for name in (
        "libmastra-store.a", "libmastra-store.so", "libmastra-store.so.0", f"libmastra-store.so.{version}",
        "cmake/mastra-store/mastra-storeConfig.cmake", "cmake/mastra-store/mastra-storeConfigVersion.cmake",
        "pkgconfig/mastra-store.pc")] + [
        "bin/mastra-store", "share/man/man1/mastra-store.1", "share/man/man3/mastra-store.3", "share/man/man7/mastra-store.7",
        "share/bash-completion/completions/mastra-store", "share/fish/vendor_completions.d/mastra-store.fish",
        "share/zsh/site-functions/_mastra-store"]))


def test_versions_agree(place: Folder):
    tree, version = place.tree, project_version()
    soname = re.search(r"\(SONAME\).*\[(.*)\]", output("readelf", "-d", tree.library))[1]
    equal(soname, "libmastra-store.so.0")
    for link in (soname, "libmastra-store.so"):
        equal(os.path.realpath(os.path.join(tree.libdir, link)), os.path.realpath(tree.library))
    header = read(os.path.join(tree.include, "mastra/store.h"))
    equal(re.search(r'#define MASTRA_VERSION "(.*)"', header)[1], version)
    equal(tree.pkg_config("--modversion"), version)
    contains(output(os.path.join(tree.prefix, "bin/mastra-store"), "--version"), version)
    changelog, control = (read(os.path.join(SOURCE, "debian", name)) for name in ("changelog", "control"))
    equal(changelog.split("\n")[0].split()[:2], ["mastra-store", f"({version})"])
    contains(control, f"Package: lib{soname.removeprefix('lib').replace('.so.', '')}\n")
    for page in glob.glob(os.path.join(tree.share, "man/*/*")):
        contains(read(page).split("\n.SH")[0], f'"mastra-store {version}"')
    program = os.path.join(place.folder, "version")
    subprocess.run([*COMPILER, "-x", "c", "-", "-o", program, *shlex.split(tree.pkg_config("--cflags", "--libs"))], check=True,
                   input=b'#include <mastra/mastra.h>\n#include <stdio.h>\nint main(void) { return puts(mastra_version()) < 0; }')
    equal(output(program, env={"LD_LIBRARY_PATH": tree.libdir}), version + "\n")


def test_exports_are_what_the_headers_declare(place: Folder):
    declared = set()
    for path in glob.glob(os.path.join(place.tree.include, "mastra/*.h")):
        text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
        declared |= set(re.findall(r"\bMASTRA_API\b(?!\s*__)[^;()]*?(\w+)\(", text))
    names = output("nm", "-D", "--defined-only", "--format=posix", place.tree.library).splitlines()
    exported = {line.split()[0].split("@")[0] for line in names}
    equal((sorted(declared - exported), sorted(exported - declared)), ([], []))
    equal(len(declared) > 100, True)


def test_manual_pages(place: Folder):
    pages = sorted(glob.glob(os.path.join(place.tree.share, "man/*/*")))
    equal(output("mandoc", "-T", "lint", "-W", "warning", *pages), "")
    for page in pages:
        contains(re.sub(".\b", "", output("mandoc", "-T", "ascii", page)), "\nNAME\n", "\nSEE ALSO\n")


def test_completions(place: Folder):
    share = place.tree.share
    bash = os.path.join(share, "bash-completion/completions/mastra-store")
    equal(read(bash), output(COMMAND, "completion", "bash"))
    script = '. "$0"; COMP_WORDS=(mastra-store comp); COMP_CWORD=1; _mastra_store; echo "${COMPREPLY[@]}"; complete -p mastra-store'
    equal(output("bash", "-c", script, bash), "completion\ncomplete -o filenames -F _mastra_store mastra-store\n")
    fish = os.path.join(share, "fish/vendor_completions.d/mastra-store.fish")
    offered = output("fish", "--no-config", "-c", f"source '{fish}'; complete -C 'mastra-store comp'",
                     env={**os.environ, "HOME": place.folder})
    contains(offered, "completion\tprint")
    # zsh finds it in its path and loads it by its first line.
    found = output("zsh", "-f", "-c", f"fpath=('{share}/zsh/site-functions' $fpath); autoload -Uz compinit; compinit -D -u; "
                                      "autoload +X _mastra-store; echo $_comps[mastra-store]")
    equal(found, "_mastra-store\n")


main(globals())
