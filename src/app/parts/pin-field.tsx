import type { JSX } from 'preact'

interface PinFieldProps {
  label: string
  value: string
  testid: string
  onChange(pin: string): void
}

/** Keyboards of Arabic, Persian and Hindi have digits of their own. */
const ZEROS = ['٠', '۰', '०'].map((zero) => zero.charCodeAt(0))

export function plainDigits(text: string): string {
  const plain = [...text].map((letter) => {
    const zero = ZEROS.find((one) => letter.charCodeAt(0) >= one && letter.charCodeAt(0) < one + 10)
    return zero === undefined ? letter : String(letter.charCodeAt(0) - zero)
  })
  return plain.join('').replaceAll(/\D/g, '')
}

/** Digits only, on the large keys of the phone, never kept by the browser. */
export function PinField({ label, value, testid, onChange }: PinFieldProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="password"
        inputMode="numeric"
        autocomplete="off"
        maxLength={12}
        data-testid={testid}
        value={value}
        onInput={({ currentTarget }) => onChange(plainDigits(currentTarget.value))}
      />
    </label>
  )
}
