/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_doctor.c - `proscribe doctor`: looks at what the guard needs, says what to do about
 * what is missing, and proves on files of its own that listed content is refused.
 */
#include <signal.h>

#include "user/cli/doctor.h"
#include "user/cli/output.h"

/* A proof that could not begin, with why. */
static json_t *proof_failed(const char *found, const char *remedy)
{
	json_t *steps = json_array();

	psc_doctor_row(steps, "proof", PSC_HEALTH_FAIL, remedy, "%s", found);
	return json_pack("{s:s,s:n,s:n,s:o}", "result", psc_health_to_string(PSC_HEALTH_FAIL),
			 "mode", "directory", "steps", steps);
}

static json_t *doctor_proof(struct psc_cli *cli, const struct psc_answer *answer, bool root,
			    int *ret_signal)
{
	*ret_signal = 0;
	if (psc_cli_option(cli, "no-proof"))
		return json_pack("{s:s,s:n,s:n,s:[]}", "result", "skipped", "mode", "directory",
				 "steps");
	if (answer->kind != PSC_ANSWER_OK)
		return proof_failed("nothing is proven: the daemon is not reachable",
				    answer->remedy);
	if (!root)
		return proof_failed("nothing is proven: that is for root only", "run it as root");
	return psc_proof_run(answer->data, ret_signal);
}

static int doctor_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	size_t counts[PSC_HEALTH_MAX] = {};
	enum psc_health health, proven;
	json_t *checks = json_array(), *proof;
	struct psc_host host;
	int signal_number;

	psc_client_ask("status", &answer);
	psc_host_look(answer.data, &host);
	psc_doctor_judge(&host, &answer, checks);
	proof = doctor_proof(cli, &answer, host.root, &signal_number);
	if (signal_number) {
		psc_cli_note(cli, "interrupted; everything was put back");
		raise(signal_number);
	}
	health = psc_doctor_worst(checks, counts);
	proven = psc_doctor_worst(psc_json_at(proof, "steps"), counts);
	if (proven > health)
		health = proven;
	return psc_cli_report(
		cli, health == PSC_HEALTH_FAIL ? PSC_EXIT_FAILED : PSC_EXIT_OK,
		json_pack("{s:s,s:s,s:s,s:{s:i,s:i,s:i},s:o,s:o}", "version", PSC_VERSION, "kernel",
			  host.release, "result", psc_health_to_string(health), "counts", "ok",
			  (int)counts[PSC_HEALTH_OK], "warn", (int)counts[PSC_HEALTH_WARN], "fail",
			  (int)counts[PSC_HEALTH_FAIL], "checks", checks, "proof", proof),
		psc_doctor_render);
}

static const struct psc_option doctor_options[] = {
	{"no-proof", NULL, "do not list and try files: only look"},
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_doctor = {
	.name = "doctor",
	.run = doctor_run,
	.arguments = "",
	.summary = "Examines what the guard needs, and proves that it refuses",
	.options = doctor_options,
	.help = "Each prerequisite is ok, warn or FAIL, with what to do about it. Then, as root and\n"
		"with the daemon running, the proof: a program, a script and a library that\n"
		"exist nowhere else run; they are listed and must be refused, or in observe\n"
		"mode be counted as what enforce would refuse; they are unlisted and run again.\n"
		"They are in a private directory, and their list is doctor.csv beside the others;\n"
		"all of it is removed, also after a signal.\n\n"
		"Exit status 0 means that nothing failed (there may be warnings), 1 that something\n"
		"did, a missing daemon included.\n\n"
		"Examples:\n"
		"  proscribe doctor\n"
		"  proscribe doctor --no-proof\n"
		"  proscribe doctor --json | jq '.data.checks[] | select(.result != \"ok\")'\n",
};
