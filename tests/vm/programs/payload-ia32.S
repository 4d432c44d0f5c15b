/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload-ia32.S - the smallest program for the 32-bit system calls, assembled for i386. With
 * an argument it executes that file instead, by the 32-bit execve, and ends like `attempt`
 * when that is refused: 1 for EPERM, else 3.
 */
#define SYS_exit   1
#define SYS_write  4
#define SYS_execve 11
#define EPERM	   1

	.text
	.globl _start
_start:
	movl	(%esp), %ecx
	cmpl	$2, %ecx
	jge	execute
	movl	$SYS_write, %eax
	movl	$1, %ebx
	movl	$text, %ecx
	movl	$text_end - text, %edx
	int	$0x80
	xorl	%ebx, %ebx
	jmp	leave

execute:
	movl	$SYS_execve, %eax
	movl	8(%esp), %ebx
	leal	8(%esp), %ecx
	xorl	%edx, %edx
	int	$0x80
	movl	$3, %ebx
	cmpl	$-EPERM, %eax
	jne	leave
	movl	$1, %ebx
leave:
	movl	$SYS_exit, %eax
	int	$0x80

	.section .rodata
text:	.ascii	"payload ran\n"
text_end:

	.section .note.GNU-stack, "", @progbits
