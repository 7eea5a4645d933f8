/**
 * A real hub in a process of its own that dies as by `kill -9` right after the commit that the first argument counts to,
 * before anything is answered: `node dying-hub.ts <commits> <data folder> <port> [database]`; 0 for never.
 */
import { createHub } from '../../src/hub/app.ts'
import { openDataFolder } from '../../src/hub/data-folder.ts'
import { serve } from '../../src/hub/serve.ts'

const [commits = '0', data = '', port = '0', database] = process.argv.slice(2)
const { store, blobs, signer } = await openDataFolder(data, database === undefined ? {} : { database })
let left = Number(commits)
const ENOUGH = { burst: 1e9, perSecond: 1e9 }

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
  // All phones of a test or a bench come from one address.
  rates: { address: ENOUGH, device: ENOUGH },
})
const running = await serve(hub, { port: Number(port), host: '127.0.0.1' })
console.log(`http://localhost:${running.port}`)
