#include "CNetnsBPF.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <linux/mount.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Each function of libbpf that is used, as its header declares it.
#define FUNCTIONS(X)                                                                                                   \
    X(libbpf_set_print) X(bpf_object__open_mem) X(bpf_object__load) X(bpf_object__close)                               \
    X(bpf_object__find_program_by_name) X(bpf_object__find_map_by_name) X(bpf_map__fd) X(bpf_program__fd)              \
    X(bpf_program__attach_iter) X(bpf_link__fd) X(bpf_link__destroy) X(bpf_prog_test_run_opts) X(bpf_iter_create)      \
    X(bpf_program__attach_cgroup) X(ring_buffer__new) X(ring_buffer__free) X(ring_buffer__consume)                     \
    X(ring_buffer__epoll_fd)                                                                                           \
    X(btf__parse) X(btf__parse_split) X(btf__free) X(btf__find_by_name_kind) X(btf__type_by_id) X(btf__name_by_offset)

#define DECLARE(NAME) static __typeof__(&NAME) lib_##NAME;
FUNCTIONS(DECLARE)

// Where libbpf's warnings go while this thread loads something.
static _Thread_local char *log_text;
static _Thread_local size_t log_capacity, log_length;

static int keep(enum libbpf_print_level level, const char *format, va_list arguments) {
    if (level != LIBBPF_WARN || !log_text || log_length + 1 >= log_capacity) return 0;
    int length = vsnprintf(log_text + log_length, log_capacity - log_length, format, arguments);
    if (length > 0) log_length += (size_t)length;
    if (log_length >= log_capacity) log_length = log_capacity - 1;
    return 0;
}

static int open_library(void) {
    static int is_open;
    if (is_open) return 0;
    void *library = dlopen("libbpf.so.1", RTLD_NOW | RTLD_LOCAL);
    const char *problem = library ? NULL : dlerror();
#define LOOK_UP(NAME)                                                                                                  \
    if (library) {                                                                                                     \
        *(void **)&lib_##NAME = dlsym(library, #NAME);                                                                 \
        if (!lib_##NAME) problem = "libbpf.so.1 lacks " #NAME;                                                         \
    }
    FUNCTIONS(LOOK_UP)
    if (problem) {
        if (log_text) snprintf(log_text, log_capacity, "%s", problem);
        if (library) dlclose(library);
        return -ENOENT;
    }
    is_open = 1;
    return 0;
}

static void *load_object(
    const void *bytes, size_t size, const char *name, enum nd_bpf_step *step, int *error
) {
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
    *step = ND_BPF_STEP_OPEN;
    struct bpf_object *object = lib_bpf_object__open_mem(bytes, size, &options);
    if (!object) {
        *error = errno ? -errno : -EINVAL;
        return NULL;
    }
    *step = ND_BPF_STEP_LOAD;
    *error = lib_bpf_object__load(object);
    if (*error) {
        lib_bpf_object__close(object);
        return NULL;
    }
    return object;
}

static int map(void *object, const char *name, size_t size, int access, void *place) {
    struct bpf_map *map = lib_bpf_object__find_map_by_name(object, name);
    if (!map) return -ENOENT;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(NULL, (size + page - 1) / page * page, access, MAP_SHARED, lib_bpf_map__fd(map), 0);
    if (memory == MAP_FAILED) return -errno;
    *(void **)place = memory;
    return 0;
}

static int attach(void *object, const char *name, void **link, int *descriptor) {
    struct bpf_program *program = lib_bpf_object__find_program_by_name(object, name);
    if (!program) return -ENOENT;
    *link = lib_bpf_program__attach_iter(program, NULL);
    if (!*link) return errno ? -errno : -EINVAL;
    *descriptor = lib_bpf_link__fd(*link);
    return 0;
}

// What the kernel's types say. Where a bridge's port has its device and its state: the bridge is a module on most kernels, and
// libbpf itself, for a type that the kernel proper does not have, looks at the types of all modules, which takes CAP_SYS_ADMIN;
// the file takes nothing. And whether there is bpf_rdonly_cast().
static void read_types(struct nd_bpf *bpf, int *casts) {
    struct btf *kernel = lib_btf__parse("/sys/kernel/btf/vmlinux", NULL), *module = NULL;
    if (!kernel) return;
    *casts = lib_btf__find_by_name_kind(kernel, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
    const struct btf *types = kernel;
    int id = lib_btf__find_by_name_kind(types, "net_bridge_port", BTF_KIND_STRUCT);
    if (id < 0 && access("/sys/kernel/btf/bridge", R_OK) == 0) {
        types = module = lib_btf__parse_split("/sys/kernel/btf/bridge", kernel);
        if (module) id = lib_btf__find_by_name_kind(module, "net_bridge_port", BTF_KIND_STRUCT);
    }
    const struct btf_type *port = types && id > 0 ? lib_btf__type_by_id(types, (uint32_t)id) : NULL;
    for (uint16_t i = 0; port && i < btf_vlen(port); i++) {
        const char *name = lib_btf__name_by_offset(types, btf_members(port)[i].name_off);
        if (!name) continue;
        if (!strcmp(name, "dev")) bpf->port_device = btf_member_bit_offset(port, i) / 8;
        if (!strcmp(name, "state")) bpf->port_state = btf_member_bit_offset(port, i) / 8;
    }
    if (module) lib_btf__free(module);
    lib_btf__free(kernel);
}

// The walk, which takes the kernel's verifier the longest.
static int load_walk(struct nd_bpf *bpf, enum nd_bpf_step *step) {
    int error = 0, casts = 0;
    read_types(bpf, &casts);
    if (casts)
        bpf->walk_object =
            load_object(nd_bpf_walk_casts_object, nd_bpf_walk_casts_object_size, "netdrift_walk", step, &error);
    if (!bpf->walk_object)
        bpf->walk_object = load_object(nd_bpf_walk_object, nd_bpf_walk_object_size, "netdrift_walk", step, &error);
    if (!bpf->walk_object) return error;
    struct bpf_program *walk = lib_bpf_object__find_program_by_name(bpf->walk_object, "walk");
    if (!walk) return -ENOENT;
    bpf->walk = lib_bpf_program__fd(walk);
    *step = ND_BPF_STEP_MAP;
    int both = PROT_READ | PROT_WRITE;
#define MAP(NAME, TYPE, COUNT, ACCESS)                                                                                 \
    error = map(bpf->walk_object, #NAME, sizeof(TYPE) * (COUNT), ACCESS, &bpf->NAME);                                  \
    if (error) return error
    MAP(directories, struct nd_bpf_directory, ND_BPF_DIRECTORIES, both);
    MAP(sysctls, struct nd_bpf_sysctl, ND_BPF_SYSCTLS, both);
    MAP(lessons, struct nd_bpf_lesson, ND_BPF_SYSCTLS, both);
    MAP(namespaces, struct nd_bpf_namespace, ND_BPF_BATCH, PROT_READ);
    MAP(values, struct nd_bpf_value, ND_BPF_VALUES, PROT_READ);
    MAP(links, struct nd_bpf_link, ND_BPF_LINKS, PROT_READ);
    return 0;
}

static int load_holders(struct nd_bpf *bpf, enum nd_bpf_step *step) {
    int error = 0;
    bpf->holders_object =
        load_object(nd_bpf_holders_object, nd_bpf_holders_object_size, "netdrift_holders", step, &error);
    if (!bpf->holders_object) return error;
    *step = ND_BPF_STEP_ATTACH;
    error = attach(bpf->holders_object, "tasks", &bpf->tasks_link, &bpf->tasks);
    if (!error) error = attach(bpf->holders_object, "files", &bpf->files_link, &bpf->files);
    return error;
}

static void begin_log(char *log, size_t capacity) {
    log_text = log;
    log_capacity = capacity;
    log_length = 0;
    if (capacity) log[0] = 0;
}

// What a thread loads beside the walk.
struct beside {
    struct nd_bpf *bpf;
    enum nd_bpf_step step;
    int error;
    char log[16384];
};

static void *run_beside(void *argument) {
    struct beside *beside = argument;
    begin_log(beside->log, sizeof beside->log);
    beside->error = load_holders(beside->bpf, &beside->step);
    return NULL;
}

// The two need nothing of each other, and a start takes a third less for it. The thread has ended when this returns: whatever
// the caller gives up afterwards, it gives up for all.
static int load(struct nd_bpf *bpf, enum nd_bpf_step *step) {
    *step = ND_BPF_STEP_LIBRARY;
    int error = open_library();
    if (error) return error;
    lib_libbpf_set_print(keep);
    struct beside beside = {.bpf = bpf};
    pthread_t thread;
    int is_apart = pthread_create(&thread, NULL, run_beside, &beside) == 0;
    error = load_walk(bpf, step);
    if (is_apart) pthread_join(thread, NULL);
    if (error) return error;
    if (!is_apart) return load_holders(bpf, step);
    *step = beside.error ? beside.step : ND_BPF_STEP_NONE;
    size_t length = strlen(beside.log), left = log_capacity ? log_capacity - 1 - log_length : 0;
    if (length > left) length = left;
    if (log_text) memcpy(log_text + log_length, beside.log, length);
    log_length += length;
    if (log_text && log_capacity) log_text[log_length] = 0;
    return beside.error;
}

int nd_bpf_load(struct nd_bpf *bpf, enum nd_bpf_step *step, char *log, size_t capacity) {
    memset(bpf, 0, sizeof(*bpf));
    bpf->walk = bpf->tasks = bpf->files = -1;
    begin_log(log, capacity);
    int error = load(bpf, step);
    log_text = NULL;
    if (error) nd_bpf_unload(bpf);
    return error;
}

void nd_bpf_unload(struct nd_bpf *bpf) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
#define UNMAP(NAME, TYPE, COUNT)                                                                                       \
    if (bpf->NAME) munmap((void *)bpf->NAME, (sizeof(TYPE) * (COUNT) + page - 1) / page * page)
    UNMAP(directories, struct nd_bpf_directory, ND_BPF_DIRECTORIES);
    UNMAP(sysctls, struct nd_bpf_sysctl, ND_BPF_SYSCTLS);
    UNMAP(lessons, struct nd_bpf_lesson, ND_BPF_SYSCTLS);
    UNMAP(namespaces, struct nd_bpf_namespace, ND_BPF_BATCH);
    UNMAP(values, struct nd_bpf_value, ND_BPF_VALUES);
    UNMAP(links, struct nd_bpf_link, ND_BPF_LINKS);
    if (bpf->tasks_link) lib_bpf_link__destroy(bpf->tasks_link);
    if (bpf->files_link) lib_bpf_link__destroy(bpf->files_link);
    if (bpf->walk_object) lib_bpf_object__close(bpf->walk_object);
    if (bpf->holders_object) lib_bpf_object__close(bpf->holders_object);
    memset(bpf, 0, sizeof(*bpf));
    bpf->walk = bpf->tasks = bpf->files = -1;
}

int nd_bpf_walk(const struct nd_bpf *bpf, struct nd_bpf_call *call) {
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = call, .ctx_size_in = sizeof(*call));
    return lib_bpf_prog_test_run_opts(bpf->walk, &options);
}

int nd_bpf_iterate(int link) {
    int descriptor = lib_bpf_iter_create(link);
    return descriptor < 0 ? (errno ? -errno : -EINVAL) : descriptor;
}

// The root of the cgroup v2 hierarchy: a mount of our own that is attached nowhere. The hierarchy is there on hosts that use
// version 1 too, and every process is in it.
static int open_cgroup_root(void) {
    int context = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
    if (context < 0) return -errno;
    int root = syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0
        ? -1 : (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
    int error = errno;
    close(context);
    return root < 0 ? -error : root;
}

// Copies what is heard to where the caller wants it.
struct nd_bpf_taking {
    struct nd_bpf_write *records;
    size_t capacity, count;
};

static int take(void *context, void *data, size_t size) {
    struct nd_bpf_taking *taking = context;
    if (size >= sizeof(struct nd_bpf_write) && taking->count < taking->capacity)
        memcpy(&taking->records[taking->count++], data, sizeof(struct nd_bpf_write));
    // The record is taken even so: libbpf counts it before it looks at the answer.
    return taking->count == taking->capacity ? -ENOBUFS : 0;
}

static int load_writes(struct nd_bpf_writes *writes, int cgroup, enum nd_bpf_step *step) {
    *step = ND_BPF_STEP_LIBRARY;
    int error = open_library();
    if (error) return error;
    lib_libbpf_set_print(keep);
    writes->object = load_object(nd_bpf_writes_object, nd_bpf_writes_object_size, "netdrift_writes", step, &error);
    if (!writes->object) return error;
    *step = ND_BPF_STEP_MAP;
    error = map(writes->object, "write_counts", sizeof(struct nd_bpf_write_counts), PROT_READ, &writes->counts);
    if (error) return error;
    struct bpf_map *ring = lib_bpf_object__find_map_by_name(writes->object, "writes");
    struct bpf_program *program = lib_bpf_object__find_program_by_name(writes->object, "hear");
    writes->taking = calloc(1, sizeof(struct nd_bpf_taking));
    if (!ring || !program) return -ENOENT;
    if (!writes->taking) return -ENOMEM;
    writes->ring = lib_ring_buffer__new(lib_bpf_map__fd(ring), take, writes->taking, NULL);
    if (!writes->ring) return errno ? -errno : -ENOMEM;
    *step = ND_BPF_STEP_CGROUP;
    int root = cgroup >= 0 ? cgroup : open_cgroup_root();
    if (root < 0) return root;
    *step = ND_BPF_STEP_ATTACH;
    writes->link = lib_bpf_program__attach_cgroup(program, root);
    error = writes->link ? 0 : errno ? -errno : -EINVAL;
    if (root != cgroup) close(root);
    if (error) return error;
    *step = ND_BPF_STEP_NONE;
    return 0;
}

int nd_bpf_load_writes(struct nd_bpf_writes *writes, int cgroup, enum nd_bpf_step *step, char *log, size_t capacity) {
    memset(writes, 0, sizeof(*writes));
    begin_log(log, capacity);
    int error = load_writes(writes, cgroup, step);
    log_text = NULL;
    if (error) nd_bpf_unload_writes(writes);
    return error;
}

void nd_bpf_unload_writes(struct nd_bpf_writes *writes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (writes->link) lib_bpf_link__destroy(writes->link);
    if (writes->ring) lib_ring_buffer__free(writes->ring);
    if (writes->counts) munmap((void *)writes->counts, page);
    if (writes->object) lib_bpf_object__close(writes->object);
    free(writes->taking);
    memset(writes, 0, sizeof(*writes));
}

int nd_bpf_writes_descriptor(const struct nd_bpf_writes *writes) { return lib_ring_buffer__epoll_fd(writes->ring); }

int nd_bpf_take_writes(const struct nd_bpf_writes *writes, struct nd_bpf_write *records, size_t capacity) {
    *writes->taking = (struct nd_bpf_taking){.records = records, .capacity = capacity};
    int result = lib_ring_buffer__consume(writes->ring);
    return result < 0 && result != -ENOBUFS ? result : (int)writes->taking->count;
}
