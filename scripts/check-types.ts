import { spawnSync } from 'node:child_process'

// One project per environment, so that the DOM inside a worker is a compile error.
const projects = ['src/app', 'src/worker', 'sw', 'src/cli', 'test']
const failed = projects.filter((project) => spawnSync('tsc', ['-p', project], { stdio: 'inherit' }).status !== 0)
if (failed.length > 0) {
  console.error(`Type errors in: ${failed.join(', ')}`)
  process.exit(1)
}
console.log(`Types are right in ${projects.length} environments.`)
