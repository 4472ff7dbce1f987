// SPDX-License-Identifier: Apache-2.0
/* Every command there is: a declaration and a line. */
#include "cmd/cmd.h"

extern const struct command cmd_doctor, cmd_flame, cmd_help, cmd_info, cmd_record, cmd_report;

const char *const cmd_groups[] = {GROUP_CPU, GROUP_FILE, GROUP_MACHINE, GROUP_HELP, NULL};

/* Within a group, in the order in which they are shown. */
const struct command *const commands[] = {
	&cmd_record, &cmd_report, &cmd_flame, &cmd_info, &cmd_doctor, &cmd_help, NULL,
};
