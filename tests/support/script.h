/* Helpers of tests that run as programs of their own: tests/support/<name>. They end with their input. */
#ifndef SUPPORT_SCRIPT_H
#define SUPPORT_SCRIPT_H

struct script;

/* Starts one with its arguments, of which the last is NULL. Ends the test program when that is not possible. */
struct script *script_start(const char *name, const char *const *arguments);

/* The next line of its output without its end, to be freed; NULL: there is none. */
char *script_line(struct script *script);

/* Gives it a line and returns the line that answers it, as above. */
char *script_ask(struct script *script, const char *line);

/* Ends it and waits for that. NULL is allowed. */
void script_end(struct script *script);

#endif
