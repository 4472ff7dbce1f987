// SPDX-License-Identifier: Apache-2.0
/* Which formats there are, and how a file's is found. */
#include "prof/prof_int.h"

const struct prof_format *const prof_formats[] = {
	&fmt_spoor,
	&fmt_folded,
	&fmt_perfscript,
	NULL,
};

const struct prof_format *prof_format_find(const char *name)
{
	for (size_t i = 0; prof_formats[i]; i++) {
		if (!strcmp(prof_formats[i]->name, name))
			return prof_formats[i];
	}
	return NULL;
}

static int unknown_format(const char *name)
{
	const char *names[16];
	const char *near;
	size_t n = 0;

	for (; prof_formats[n]; n++)
		names[n] = prof_formats[n]->name;
	err(-EINVAL, "unknown format '%s'", name);
	near = opt_nearest(name, names, n);
	if (near)
		err_try("%s", near);
	else
		err_try("spoor convert --formats");
	return -EINVAL;
}

static const struct prof_format *sniff(struct in *in)
{
	const struct prof_format *best = NULL;
	const char *head;
	size_t n = in_peek(in, &head);
	int top = 0;

	for (size_t i = 0; prof_formats[i]; i++) {
		const struct prof_format *f = prof_formats[i];
		int sure = f->sniff && f->read ? f->sniff(head, n) : 0;

		if (sure > top) {
			top = sure;
			best = f;
		}
	}
	return best;
}

int prof_load_in(struct prof *p, struct in *in, const char *format)
{
	const struct prof_format *f;
	const char *head;
	int rc;

	if (format) {
		f = prof_format_find(format);
		if (!f)
			return unknown_format(format);
		if (!f->read)
			return err(-EINVAL, "format %s can only be written", format);
	} else {
		f = sniff(in);
	}
	if (!f && !in_peek(in, &head))
		return err(-EBADMSG, "%s: empty", in_name(in));
	if (!f) {
		err(-EBADMSG, "%s: this is no format that spoor reads", in_name(in));
		err_try("spoor convert --formats");
		return -EBADMSG;
	}
	p->format = f->name;
	rc = f->read(in, p);
	prof_finish(p);
	return rc;
}

int prof_load(struct prof *p, const char *path, const char *format)
{
	struct in *in = in_open(path);
	int rc;

	if (!in)
		return -EIO;
	rc = prof_load_in(p, in, format);
	in_close(in);
	return rc;
}

const struct prof_format *prof_format_to_write(const char *name)
{
	const struct prof_format *f = prof_format_find(name);

	if (!f)
		unknown_format(name);
	else if (!f->write)
		err(-EINVAL, "format %s can only be read", name);
	return f && f->write ? f : NULL;
}

int prof_save(const struct prof *p, const char *path, const char *format,
	      const struct prof_write_opts *o)
{
	const struct prof_format *f = prof_format_to_write(format);
	struct prof_write_opts defaults = {.column = ~0u};
	struct out *out;
	int rc;

	if (!f)
		return -EINVAL;
	out = out_open(path, true);
	if (!out)
		return -EIO;
	rc = f->write(out, p, o ? o : &defaults);
	if (rc) {
		out_abort(out);
		return rc;
	}
	return out_close(out);
}
