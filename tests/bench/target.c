/* SPDX-License-Identifier: Apache-2.0 */
/* target.c - a program that does nothing, linked statically: what measure.c executes. */
int main(void)
{
	return 0;
}
