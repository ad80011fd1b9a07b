/* The roles' own main functions, for role.c. */
#ifndef WEIR_ROLE_ROLES_H
#define WEIR_ROLE_ROLES_H

int capture_role(void);
int engine_role(void);
int courier_role(void);
int keeper_role(void);

#endif
