import type { JSX } from 'preact'

interface ChoicesProps<T extends string | number> {
  /** Short choices may stand side by side. */
  pairs?: boolean
  name: string
  legend: string
  value: T
  choices: readonly { value: T; text: string; lang?: string }[]
  onChoose(value: T): void
}

/** One of a few, each as a large button. */
export function Choices<T extends string | number>({
  pairs = false,
  name,
  legend,
  value,
  choices,
  onChoose,
}: ChoicesProps<T>): JSX.Element {
  return (
    <fieldset class={pairs ? 'choices pairs' : 'choices'}>
      <legend class="section">{legend}</legend>
      {choices.map((choice) => (
        <label key={choice.value} class="choice" lang={choice.lang}>
          <input
            type="radio"
            name={name}
            checked={choice.value === value}
            onChange={() => onChoose(choice.value)}
            data-testid={`${name}-${choice.value}`}
          />
          <span>{choice.text}</span>
        </label>
      ))}
    </fieldset>
  )
}
