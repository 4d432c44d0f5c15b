/* SPDX-License-Identifier: Apache-2.0 */
/* payload-needed.c - a program that names libpayload.so (beside it) as DT_NEEDED. */
int payload_value(void);

int main(void)
{
	return payload_value();
}
