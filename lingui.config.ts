import { defineConfig } from '@lingui/conf'
import { formatter } from '@lingui/format-po'

export default defineConfig({
  sourceLocale: 'en',
  locales: ['en', 'fr', 'pt', 'es', 'sw', 'ha', 'am', 'ar', 'hi'],
  catalogs: [{ path: '<rootDir>/src/app/locales/{locale}/messages', include: ['src/app'], exclude: ['**/locales/**'] }],
  // Ids are ours, not hashes of the English: a better wording in one language leaves all others standing.
  format: formatter({ explicitIdAsDefault: true, origins: true, lineNumbers: false }),
  orderBy: 'messageId',
})
