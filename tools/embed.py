#!/usr/bin/env python3
"""Writes the C file that holds a shared object's bytes.   embed.py OBJECT INTO"""
import sys

TEXT = r"""/* Made by tools/embed.py. */
#include "accel/object.h"

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".globl vonk__accel_start, vonk__accel_end\n"
        ".hidden vonk__accel_start, vonk__accel_end\n"
        "vonk__accel_start: .incbin \"{path}\"\n"
        "vonk__accel_end:\n"
        ".popsection\n");
extern const char vonk__accel_start[], vonk__accel_end[];

vonk_str vonk_accel_object(void)
{{
    return (vonk_str){{vonk__accel_start, (size_t)(vonk__accel_end - vonk__accel_start)}};
}}
"""
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.write(TEXT.format(path=sys.argv[1]))
