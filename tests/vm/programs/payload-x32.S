/* SPDX-License-Identifier: Apache-2.0 */
/* payload-x32.S - the smallest program for the x32 system calls. */
#define SYS_write 0x40000001
#define SYS_exit  0x4000003c

	.text
	.globl _start
_start:
	movl	$SYS_write, %eax
	movl	$1, %edi
	movl	$text, %esi
	movl	$text_end - text, %edx
	syscall
	movl	$SYS_exit, %eax
	xorl	%edi, %edi
	syscall

	.section .rodata
text:	.ascii	"payload ran\n"
text_end:

	.section .note.GNU-stack, "", @progbits
