/**
 * A real hub in a process of its own that dies as by `kill -9` right after the commit that the first argument counts to,
 * before anything is answered: `node dying-hub.ts <commits> <data folder> <port>`.
 */
import { createHub } from '../../src/hub/app.ts'
import { openDataFolder } from '../../src/hub/data-folder.ts'
import { serve } from '../../src/hub/serve.ts'

const [commits = '0', data = '', port = '0'] = process.argv.slice(2)
const { store, blobs, signer } = await openDataFolder(data)
let left = Number(commits)

const hub = createHub({
  store: {
    ...store,
    async append(program, segment) {
      const added = await store.append(program, segment)
      left -= 1
      if (left === 0) process.kill(process.pid, 'SIGKILL')
      return added
    },
  },
  blobs,
  signer,
  version: '0',
})
const running = await serve(hub, { port: Number(port), host: '127.0.0.1' })
console.log(`http://localhost:${running.port}`)
