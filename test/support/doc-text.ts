import { existsSync, readdirSync, readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)

export const readDoc = (path: string): string => readFileSync(new URL(path, root), 'utf8')

export const existsInTree = (path: string): boolean => existsSync(new URL(path, root))

/** Every page that people read, by its path from the root. */
export const docPaths = (): string[] => [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].filter(existsInTree),
  ...readdirSync(new URL('docs/', root), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** Rows of the tables of a page as cells, without head and rule; `heading` limits it to one section. */
export function tableRows(text: string, heading?: string): string[][] {
  const section = heading === undefined ? text : (text.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    )
}

/** The text between the first backticks of a cell. */
export const code = (cell: string | undefined): string => /`([^`]*)`/.exec(cell ?? '')?.[1] ?? ''
