import { startWorkerAhead } from '../client/start-worker.ts'

export const startWorker = startWorkerAhead()
