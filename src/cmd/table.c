// SPDX-License-Identifier: Apache-2.0
/* Every command there is: a declaration and a line. */
#include "cmd/cmd.h"

extern const struct command cmd_cleanup;
extern const struct command cmd_convert, cmd_doctor;
extern const struct command cmd_flame;
extern const struct command cmd_help;
extern const struct command cmd_info;
extern const struct command cmd_record;
extern const struct command cmd_report;

const char *const cmd_groups[] = {GROUP_CPU, GROUP_FILE, GROUP_MACHINE, GROUP_HELP, NULL};

/* Within a group, in the order in which they are shown. One a line: */
/* clang-format off */
const struct command *const commands[] = {
	&cmd_record,
	&cmd_report,
	&cmd_flame,
	&cmd_info,
	&cmd_convert,
	&cmd_doctor,
	&cmd_cleanup,
	&cmd_help,
	NULL,
};
