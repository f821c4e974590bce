/* failing_threads.h - counts the threads that are started; one may fail to. */
#ifndef FAILING_THREADS_H
#define FAILING_THREADS_H

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>

static unsigned n_started, start_fails_at = UINT32_MAX;

/* Takes the place of libc's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		   void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *);

	if (n_started++ == start_fails_at)
		return EAGAIN;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	*thread = 0; /* MemorySanitizer does not see libc set it */
	return real(thread, attr, run, arg);
}

#endif
