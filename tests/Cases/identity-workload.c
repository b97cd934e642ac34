/* Exercises system calls of the units in identity.json that a shell does not reach, and checks what they answer. Prints the
   line of the first check that fails and exits with status 1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what) ((what) ? (void)0 : failed(__LINE__, #what))

static void failed(int line, const char *what)
{
	printf("line %d: %s: %s\n", line, what, strerror(errno));
	exit(1);
}

static void pipes_and_polls(void)
{
	int ends[2], i, ready;
	char text[64];
	struct pollfd p;
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 42 }, got;
	fd_set set;
	struct iovec parts[2] = { { "ab", 2 }, { "cd", 2 } };

	CHECK(!pipe2(ends, O_NONBLOCK));
	CHECK(fcntl(ends[0], F_SETPIPE_SZ, 65536) == 65536 && fcntl(ends[0], F_GETPIPE_SZ) == 65536);
	ready = epoll_create1(0);
	CHECK(ready >= 0 && !epoll_ctl(ready, EPOLL_CTL_ADD, ends[0], &e));
	for (i = 0; i < 200; i++) {
		CHECK(epoll_wait(ready, &got, 1, 0) == 0);
		CHECK(writev(ends[1], parts, 2) == 4);
		CHECK(epoll_wait(ready, &got, 1, 1000) == 1 && got.data.u64 == 42);
		p = (struct pollfd) { .fd = ends[0], .events = POLLIN };
		CHECK(poll(&p, 1, 1000) == 1 && p.revents == POLLIN);
		FD_ZERO(&set);
		FD_SET(ends[0], &set);
		CHECK(select(ends[0] + 1, &set, NULL, NULL, NULL) == 1);
		CHECK(read(ends[0], text, sizeof text) == 4 && !memcmp(text, "abcd", 4));
	}
	CHECK(read(ends[0], text, 1) == -1 && errno == EAGAIN);
	close(ends[1]);
	CHECK(read(ends[0], text, 1) == 0);
	close(ends[0]);
	close(ready);
}

static void event_descriptors(void)
{
	unsigned long long n = 3;
	struct itimerspec soon = { { 0, 0 }, { 0, 2000000 } }, left;
	struct signalfd_siginfo info;
	sigset_t set;
	int fd = eventfd(0, EFD_SEMAPHORE);

	CHECK(fd >= 0 && write(fd, &n, 8) == 8);
	CHECK(read(fd, &n, 8) == 8 && n == 1 && read(fd, &n, 8) == 8 && n == 1);
	close(fd);

	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK(fd >= 0 && !timerfd_settime(fd, 0, &soon, NULL) && read(fd, &n, 8) == 8 && n == 1);
	CHECK(!timerfd_gettime(fd, &left) && left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	close(fd);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, 0);
	CHECK(fd >= 0 && !kill(getpid(), SIGUSR1) && read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR1);
	close(fd);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void timers(void)
{
	struct itimerval every = { { 0, 3000 }, { 0, 3000 } }, none = { { 0, 0 }, { 0, 0 } };
	struct sigevent quiet = { .sigev_notify = SIGEV_NONE };
	struct itimerspec set = { { 5, 0 }, { 5, 0 } }, got;
	struct timespec t = { 0, 1000000 };
	timer_t timer;
	int i;

	signal(SIGALRM, on_alarm);
	alarms = 0;
	CHECK(!setitimer(ITIMER_REAL, &every, NULL));
	while (alarms < 10)
		pause();
	CHECK(!setitimer(ITIMER_REAL, &none, &every) && every.it_interval.tv_usec == 3000);
	for (i = 0; i < 20; i++) {
		CHECK(!timer_create(CLOCK_MONOTONIC, &quiet, &timer) && !timer_settime(timer, 0, &set, NULL));
		CHECK(!timer_gettime(timer, &got) && got.it_interval.tv_sec == 5 && timer_getoverrun(timer) == 0);
		CHECK(!timer_delete(timer));
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	}
	CHECK(!clock_gettime(CLOCK_BOOTTIME, &t) && !clock_getres(CLOCK_REALTIME, &t));
}

static int turn;

static void *other_thread(void *unused)
{
	int i;

	(void)unused;
	for (i = 0; i < 500; i++) {
		while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 0)
			syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
		__atomic_store_n(&turn, 0, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void futexes(void)
{
	pthread_t thread;
	int i;

	turn = 0;
	CHECK(!pthread_create(&thread, NULL, other_thread, NULL));
	for (i = 0; i < 500; i++) {
		__atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 1)
			syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	}
	CHECK(!pthread_join(thread, NULL));
}

static void memory(void)
{
	size_t size = 64 * 4096;
	unsigned char resident[128];
	char *at, *moved;
	int i, fd;

	for (i = 0; i < 20; i++) {
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(at != MAP_FAILED);
		memset(at, 7, size);
		CHECK(!mincore(at, size, resident) && (resident[63] & 1));
		CHECK(!mprotect(at, 4096, PROT_READ) && !mlock(at, 8192) && !munlock(at, 8192));
		CHECK(!madvise(at + 8192, 4096, MADV_DONTNEED) && at[8192] == 0 && at[4096] == 7);
		/* Pieces that differ in protection cannot be moved as one. */
		CHECK(!mprotect(at, 4096, PROT_READ | PROT_WRITE));
		moved = mremap(at, size, 2 * size, MREMAP_MAYMOVE);
		CHECK(moved != MAP_FAILED && moved[size - 1] == 7 && moved[size] == 0);
		CHECK(!munmap(moved, 2 * size));
	}
	fd = memfd_create("identity", MFD_ALLOW_SEALING);
	CHECK(fd >= 0 && !ftruncate(fd, size) && pwrite(fd, "seal", 4, 4096) == 4);
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(at != MAP_FAILED && !memcmp(at + 4096, "seal", 4));
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096) && at[4096] == 0);
	CHECK(!munmap(at, size) && !fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) && fcntl(fd, F_GET_SEALS) == F_SEAL_WRITE);
	CHECK(write(fd, "x", 1) == -1 && errno == EPERM);
	close(fd);
}

static void files(void)
{
	const char *name = "/tmp/identity-file";
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
	struct timespec when[2] = { { 100, 5 }, { 200, 6 } };
	struct stat s;
	struct statx sx;
	char value[16];
	loff_t from = 0;
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), copy, ends[2];

	CHECK(fd >= 0 && pwrite(fd, "0123456789", 10, 0) == 10 && lseek(fd, 0, SEEK_END) == 10);
	CHECK(!fcntl(fd, F_SETLK, &lock) && !flock(fd, LOCK_SH) && !flock(fd, LOCK_UN));
	lock.l_type = F_UNLCK;
	CHECK(!fcntl(fd, F_SETLK, &lock));
	CHECK(!futimens(fd, when) && !fstat(fd, &s) && s.st_mtim.tv_sec == 200 && s.st_size == 10);
	CHECK(!statx(AT_FDCWD, name, 0, STATX_ALL, &sx) && sx.stx_size == 10 && !access(name, R_OK));
	if (!fsetxattr(fd, "trusted.identity", "yes", 3, 0)) {
		CHECK(fgetxattr(fd, "trusted.identity", value, sizeof value) == 3 && !memcmp(value, "yes", 3));
		CHECK(flistxattr(fd, value, 0) > 0 && !fremovexattr(fd, "trusted.identity"));
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 50);
	CHECK(copy >= 50 && fcntl(copy, F_GETFD) == FD_CLOEXEC && fcntl(copy, F_GETFL) >= 0);
	CHECK(!pipe(ends) && splice(fd, &from, ends[1], NULL, 10, 0) == 10 && read(ends[0], value, 10) == 10 && value[9] == '9');
	CHECK(fcntl(ends[0], F_SETOWN, getpid()) == 0 && fcntl(ends[0], F_GETOWN) == getpid());
	close(ends[0]);
	close(ends[1]);
	close(copy);
	close(fd);
	CHECK(!unlink(name));
}

static void sockets(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un named = { .sun_family = AF_UNIX, .sun_path = "/tmp/identity-socket" };
	socklen_t len = sizeof to;
	struct timeval limit = { 5, 0 };
	char text[64], control[64];
	struct iovec part = { "fd", 2 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_LEN(sizeof(int)) };
	struct cmsghdr *c = (struct cmsghdr *)control;
	int pair[2], s, t, i;

	s = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(s >= 0 && !bind(s, (void *)&to, sizeof to) && !getsockname(s, (void *)&to, &len));
	CHECK(!setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
	for (i = 0; i < 100; i++) {
		CHECK(sendto(s, "datagram", 8, 0, (void *)&to, sizeof to) == 8);
		CHECK(recv(s, text, sizeof text, 0) == 8 && !memcmp(text, "datagram", 8));
	}
	close(s);

	s = socket(AF_INET, SOCK_STREAM, 0);
	to.sin_port = 0;
	CHECK(s >= 0 && !bind(s, (void *)&to, sizeof to) && !listen(s, 4) && !getsockname(s, (void *)&to, &len));
	t = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(t >= 0 && !connect(t, (void *)&to, sizeof to));
	i = accept(s, NULL, NULL);
	CHECK(i >= 0 && send(t, "stream", 6, 0) == 6 && recv(i, text, sizeof text, 0) == 6 && !shutdown(t, SHUT_WR));
	CHECK(recv(i, text, sizeof text, 0) == 0);
	close(i);
	close(t);
	close(s);

	unlink(named.sun_path);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	t = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(!bind(s, (void *)&named, sizeof named) && !listen(s, 1) && !connect(t, (void *)&named, sizeof named));
	i = accept(s, NULL, NULL);
	CHECK(i >= 0 && write(t, "unix", 4) == 4 && read(i, text, sizeof text) == 4);
	close(i);
	close(t);
	close(s);
	unlink(named.sun_path);

	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	for (i = 0; i < 100; i++) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pair[0], sizeof(int));
		m.msg_controllen = CMSG_LEN(sizeof(int));
		part = (struct iovec) { "fd", 2 };
		CHECK(sendmsg(pair[0], &m, 0) == 2);
		m.msg_controllen = sizeof control;
		part = (struct iovec) { text, sizeof text };
		CHECK(recvmsg(pair[1], &m, 0) == 2);
		memcpy(&t, CMSG_DATA(c), sizeof t);
		close(t);
	}
	close(pair[0]);
	close(pair[1]);
}

static void messages_and_semaphores(void)
{
	struct { long type; char text[16]; } note = { 3, "note" };
	struct sembuf up = { 0, 1, 0 }, down = { 0, -1, IPC_NOWAIT };
	int q = msgget(IPC_PRIVATE, 0600), s = semget(IPC_PRIVATE, 1, 0600), i;

	CHECK(q >= 0 && s >= 0);
	for (i = 0; i < 100; i++) {
		CHECK(!msgsnd(q, &note, 5, 0) && msgrcv(q, &note, 16, 3, 0) == 5 && !strcmp(note.text, "note"));
		CHECK(!semop(s, &up, 1) && semctl(s, 0, GETVAL) == 1 && !semop(s, &down, 1));
	}
	CHECK(semop(s, &down, 1) == -1 && errno == EAGAIN);
	CHECK(!msgctl(q, IPC_RMID, NULL) && !semctl(s, 0, IPC_RMID));
}

static void identity_and_limits(void)
{
	struct rlimit limit;
	struct rusage usage;
	struct tms spent;
	struct sched_param parameter = { 1 };
	char name[16] = "";
	cpu_set_t set;
	gid_t groups[32];
	pid_t child;
	int i, status;

	for (i = 0; i < 20; i++) {
		child = fork();
		CHECK(child >= 0);
		if (!child) {
			gid_t two[2] = { 5, 6 };

			if (setpgid(0, 0) || setgroups(2, two) || getgroups(32, groups) != 2 || setresgid(7, 7, 7) || setresuid(8, 8, 8) || getuid() != 8)
				_exit(9);
			_exit(setuid(0) == 0 ? 8 : 7);
		}
		CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit) && !setrlimit(RLIMIT_NOFILE, &limit) && !getrusage(RUSAGE_SELF, &usage));
	CHECK(times(&spent) != (clock_t)-1 && getpriority(PRIO_PROCESS, 0) == 0 && !setpriority(PRIO_PROCESS, 0, 0));
	CHECK(!prctl(PR_SET_NAME, "identity") && !prctl(PR_GET_NAME, name) && !strcmp(name, "identity"));
	CHECK(!sched_getaffinity(0, sizeof set, &set) && !sched_setaffinity(0, sizeof set, &set) && !sched_yield());
	CHECK(!sched_setscheduler(0, SCHED_RR, &parameter) && sched_getscheduler(0) == SCHED_RR);
	parameter.sched_priority = 0;
	CHECK(!sched_setscheduler(0, SCHED_OTHER, &parameter));
}

int main(void)
{
	pipes_and_polls();
	event_descriptors();
	timers();
	futexes();
	memory();
	files();
	sockets();
	messages_and_semaphores();
	identity_and_limits();
	return 0;
}
