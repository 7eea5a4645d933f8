/// <reference path="./defines.d.ts" />
import { openKit } from '../client/index.ts'
import { startApp } from './start.tsx'

const root = document.getElementById('app')
if (root) void startApp(() => openKit({ app: `jiko ${__APP_VERSION__}` }), root)
