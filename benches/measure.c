/* Runs a command and prints its cost, as a line of JSON after the command's output.
 *
 *     measure command [arguments]
 *
 * A small program does this, since Linux includes the memory before an exec in the peak after it.
 */
#define _DEFAULT_SOURCE

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The time limit of the command, in seconds. */
enum { TIME_LIMIT = 120 };

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    struct rusage usage;
    int status;
    if (count < 2) return 2;

    double begun = now();
    pid_t child = vfork();
    if (child == 0) {
        alarm(TIME_LIMIT); /* the timer is kept by exec */
        execvp(arguments[1], arguments + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) return 126;
    double wall = now() - begun;

    printf("{\"cpu\":%.6f,\"wall\":%.6f,\"peak_bytes\":%ld}\n",
           seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), wall, usage.ru_maxrss * 1024L);
    if (WIFSIGNALED(status)) fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
