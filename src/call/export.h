/* What exported lines and those that are imported have in common. */
#ifndef CALL_EXPORT_H
#define CALL_EXPORT_H

/* Behind the name of a column of JSON: its text, which is none. */
#define MS_EXPORT_TEXT ":text"

#endif
