/* As much XML as the answers of STS are made of. */
#ifndef AWS_XML_H
#define AWS_XML_H

#include "aws/secret.h"

/*
 * The text of the first element that lies at this path from the root ("A/B/C"), as it is spelled; false when there is
 * none, or when it holds anything but text.
 */
bool ms_xml_find(mastra_str xml, const char *path, mastra_str *ret);

/* A copy with entities and character references replaced, and blanks at the ends removed. False: memory is out. */
bool ms_xml_text(mastra_str spelled, struct ms_heap *heap, struct ms_secret *ret);

#endif
