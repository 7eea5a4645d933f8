import type { FakePageOptions } from './options.ts'

/** A form with a question of every kind, one of which depends on another. */
export const FORM: NonNullable<FakePageOptions['form']> = {
  consent: true,
  questions: [
    { kind: 'note', name: 'thanks', label: { en: 'A few questions about this tree' } },
    {
      kind: 'number',
      name: 'trees',
      label: { en: 'How many trees look like this?' },
      required: true,
      whole: true,
      least: 1,
    },
    {
      kind: 'choice',
      name: 'shade',
      label: { en: 'Is there shade?' },
      options: [
        { id: 'yes', label: { en: 'Yes' } },
        { id: 'no', label: { en: 'No' } },
      ],
    },
    { kind: 'text', name: 'kind', label: { en: 'Which trees give it?' }, when: { question: 'shade', is: 'yes' } },
    { kind: 'date', name: 'sprayed', label: { en: 'When was it last sprayed?' } },
    { kind: 'photo', name: 'tree', label: { en: 'The whole tree' } },
    { kind: 'place', name: 'spot', label: { en: 'Where it stands' } },
  ],
}
