/* placeholder */
#include "base_support.h"
int main(void) { return 0; }
