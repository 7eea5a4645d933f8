import { afterAll } from 'vitest'
import { removeTemporaryFolders } from './temporary-folder.ts'

// A runner ends its processes without an exit that they could hear of.
afterAll(removeTemporaryFolders)
