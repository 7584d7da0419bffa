export type Severity = 'error' | 'warning' | 'info'

/** One remark about a destination: error refuses the save, warning and info go with the answer. */
export type Finding = {
  code: string
  severity: Severity
  message: string
  fix: string
}

export const errorFinding = (code: string, message: string, fix: string): Finding => ({
  code,
  severity: 'error',
  message,
  fix,
})

export const warningFinding = (code: string, message: string, fix: string): Finding => ({
  code,
  severity: 'warning',
  message,
  fix,
})

export const infoFinding = (code: string, message: string, fix: string): Finding => ({
  code,
  severity: 'info',
  message,
  fix,
})

export const hasErrors = (findings: readonly Finding[]): boolean =>
  findings.some((finding) => finding.severity === 'error')

const SHOWN_MAX = 80

/** A piece of somebody's text, short and printable, for a message. */
export function shown(text: string): string {
  const printable = Array.from(text, (char) => (isControl(char) ? '?' : char))
  return printable.length > SHOWN_MAX
    ? `${printable.slice(0, SHOWN_MAX - 3).join('')}...`
    : printable.join('')
}

const isControl = (char: string): boolean => char < ' ' || (char >= '\u007f' && char <= '\u009f')
