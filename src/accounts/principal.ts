export const ROLES = ['admin', 'support', 'affiliate', 'viewer'] as const
export type Role = (typeof ROLES)[number]

/** Who a valid key stands for. keyId is null for the key of the ADMIN_KEY setting. */
export type Principal = { role: Role; keyId: string | null; name: string }
