// The workloads of workloads.go on malloc. Run it with LD_PRELOAD to measure
// another malloc. Usage: peer CASE SIZE OPS; prints "CPU-ns-per-op".
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <malloc.h>
#include <time.h>
#include <unistd.h>

static double cpu(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

static long rss(void) {
	long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld %ld", &total, &pages) != 2) exit(1);
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static void touch(void *p) { *(volatile char *)p = 1; }

static uint64_t next(uint64_t *s) { // xorshift64*, the same in workloads.go
	*s ^= *s >> 12, *s ^= *s << 25, *s ^= *s >> 27;
	return *s * 0x2545F4914F6CDD1DULL;
}

static void pair(long size, long ops) {
	for (long i = 0; i < ops; i++) {
		void *volatile p = malloc(size);
		touch(p);
		free(p);
	}
}

static void batch(long size, long ops) {
	static void *p[1000];
	for (long i = 0; i < ops / 1000; i++) {
		for (int k = 0; k < 1000; k++) touch(p[k] = malloc(size));
		for (int k = 0; k < 1000; k++) free(p[k]);
	}
}

static void mixed(long ops) {
	static void *p[4096];
	uint64_t seed = 1;
	for (long i = 0; i < ops; i++) {
		uint64_t x = next(&seed);
		void **slot = &p[x % 4096];
		free(*slot);
		touch(*slot = malloc(8 + (x >> 32) % 1001));
	}
	for (int i = 0; i < 4096; i++) free(p[i]), p[i] = 0;
}

enum { slots = 1000, perRound = 10000 };
static void *larsonSlots[2][slots];
static pthread_barrier_t barrier;
static long larsonRounds;

static void *larsonWorker(void *arg) {
	uint64_t seed = 1 + (intptr_t)arg;
	for (long r = 0; r < larsonRounds; r++) {
		void **s = larsonSlots[((intptr_t)arg + r) & 1];
		for (int i = 0; i < perRound; i++) {
			uint64_t x = next(&seed);
			void **slot = &s[x % slots];
			free(*slot);
			touch(*slot = malloc(8 + (x >> 32) % 1001));
		}
		pthread_barrier_wait(&barrier);
	}
	return 0;
}

static void larson(long ops) {
	larsonRounds = ops / 2 / perRound;
	pthread_barrier_init(&barrier, 0, 2);
	pthread_t t[2];
	for (intptr_t i = 0; i < 2; i++) pthread_create(&t[i], 0, larsonWorker, (void *)i);
	for (int i = 0; i < 2; i++) pthread_join(t[i], 0);
}

// remote: one thread allocates batches of 64, another one frees them.
enum { perBatch = 64, ring = 64 };
static void *ringOf[ring][perBatch];
static volatile long produced, consumed;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, room = PTHREAD_COND_INITIALIZER;
static long remoteSize, remoteBatches;

static void *producer(void *arg) {
	for (long b = 0; b < remoteBatches; b++) {
		pthread_mutex_lock(&mu);
		while (b - consumed >= ring) pthread_cond_wait(&room, &mu);
		pthread_mutex_unlock(&mu);
		for (int i = 0; i < perBatch; i++) touch(ringOf[b % ring][i] = malloc(remoteSize));
		pthread_mutex_lock(&mu);
		produced = b + 1;
		pthread_cond_signal(&more);
		pthread_mutex_unlock(&mu);
	}
	return arg;
}

static void remote(long size, long ops) {
	remoteSize = size, remoteBatches = ops / perBatch;
	pthread_t t;
	pthread_create(&t, 0, producer, 0);
	for (long b = 0; b < remoteBatches; b++) {
		pthread_mutex_lock(&mu);
		while (produced <= b) pthread_cond_wait(&more, &mu);
		pthread_mutex_unlock(&mu);
		for (int i = 0; i < perBatch; i++) free(ringOf[b % ring][i]);
		pthread_mutex_lock(&mu);
		consumed = b + 1;
		pthread_cond_signal(&room);
		pthread_mutex_unlock(&mu);
	}
	pthread_join(t, 0);
}

// churn: fill to live bytes with sizes log-uniform in 16..16383, replace at
// random ops times, print RSS/live, then free everything and print what is left.
static void churn(long live, long ops) {
	uint64_t seed = 42;
	long cap = live / 16, n = 0, bytes = 0;
	void **p = malloc(cap * sizeof *p);
	uint32_t *len = malloc(cap * sizeof *len);
	memset(p, 0, cap * sizeof *p), memset(len, 0, cap * sizeof *len);
	long base = rss();
	while (bytes < live) {
		uint64_t x = next(&seed);
		len[n] = (16u << (x >> 8) % 10) + (x >> 32) % (16u << (x >> 8) % 10);
		p[n] = malloc(len[n]), memset(p[n], 1, len[n]);
		bytes += len[n++];
	}
	double t = cpu();
	for (long i = 0; i < ops; i++) {
		uint64_t x = next(&seed);
		long k = (x >> 16) % n;
		free(p[k]), bytes -= len[k];
		x = next(&seed);
		len[k] = (16u << (x >> 8) % 10) + (x >> 32) % (16u << (x >> 8) % 10);
		p[k] = malloc(len[k]), memset(p[k], 1, len[k]);
		bytes += len[k];
	}
	t = (cpu() - t) / ops;
	double ratio = (double)(rss() - base) / bytes;
	for (long i = 0; i < n; i++) free(p[i]);
	printf("%.3f %.4f %.4f\n", t, ratio, (double)(rss() - base) / bytes);
	exit(0);
}

int main(int argc, char **argv) {
	if (argc != 4) return 2;
	long size = atol(argv[2]), ops = atol(argv[3]);
	for (int warm = 1; warm >= 0; warm--) {
		long n = warm ? ops / 10 : ops;
		double t = cpu();
		if (!strcmp(argv[1], "pair")) pair(size, n);
		else if (!strcmp(argv[1], "batch")) batch(size, n);
		else if (!strcmp(argv[1], "mixed")) mixed(n);
		else if (!strcmp(argv[1], "larson")) larson(n);
		else if (!strcmp(argv[1], "remote")) produced = consumed = 0, remote(size, n);
		else if (!strcmp(argv[1], "churn")) churn(size, ops);
		else return 2;
		if (!warm) printf("%.3f\n", (cpu() - t) / n);
	}
	return 0;
}
