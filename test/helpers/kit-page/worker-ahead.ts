import { startWorkerAhead } from '../../../src/client/start-worker.ts'

export const startWorker = startWorkerAhead()
