/* A plugin of QEMU (its API 1, declared here because Debian ships no header): counts executed instructions and writes the count to the
   file named by JIKO_MARKS whenever the program asks whether a file is accessible, which is how it says where a run begins. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))
typedef uint64_t plugin_id;
struct block;
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int add, void *to, uint64_t value);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t,
                                                                    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                                                    uint64_t));
EXPORT int qemu_plugin_version = 1;

enum { FACCESSAT = 48, FACCESSAT2 = 439 };
static uint64_t executed;

static void translated(plugin_id id, struct block *block) {
  qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &executed, qemu_plugin_tb_n_insns(block));
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                   uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  if (number != FACCESSAT && number != FACCESSAT2) return;
  FILE *marks = fopen(getenv("JIKO_MARKS"), "a");
  if (!marks) return;
  fprintf(marks, "%" PRIu64 "\n", executed);
  fclose(marks);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *about, int count, char **values) {
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  return 0;
}
