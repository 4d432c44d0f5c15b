/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * open.bpf.h - which opens are judged as PSC_OP_OPEN; for open.bpf.c and write.bpf.c.
 */
#pragma once

#include "guard.bpf.h"

static __always_inline bool psc_open_is_judged(struct file *file)
{
	return file->f_mode & FMODE_READ && !(file->f_flags & F_FMODE_EXEC) && file->f_inode &&
	       psc_is_regular(file->f_inode);
}
