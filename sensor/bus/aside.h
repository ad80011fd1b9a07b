/* Work that waits, done in a thread of its own so that the loop does not. Any thread. */
#ifndef SENSOR_BUS_ASIDE_H
#define SENSOR_BUS_ASIDE_H

#define ASIDE_MAX 16 /* at once, in the whole process */

/* Begins `work` in a detached thread that no signal comes to. 0, or an errno: EAGAIN when
 * ASIDE_MAX are at it. The program's exit waits for them, but not longer than 2 s. */
int aside(void (*work)(void *context), void *context);

#endif
