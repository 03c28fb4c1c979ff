/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/owned.h"

#include "base/log.h"
#include "base/mem.h"

void kt_owned_wake(const struct kt_owned *owned, const struct kt_object *object)
{
	struct kt_owner owner;
	struct kt_object *found;

	if (!kt_controller_owner(object, &owner) || !kt_sv_is(owner.kind, owned->kind))
		return;
	found = kt_informer_get(owned->owners, kt_object_namespace(object), owner.name);
	if (found && kt_sv_eq(kt_object_uid(found), owner.uid))
		kt_reconciler_add_object(owned->reconciler, found);
}

static void owner_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	const struct kt_owned *owned = arg;

	(void)old_object;
	if (new_object)
		kt_reconciler_add_object(owned->reconciler, new_object);
}

static void add_owner(void *arg, struct kt_object *owner)
{
	const struct kt_owned *owned = arg;

	kt_reconciler_add_object(owned->reconciler, owner);
}

static void owned_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_owned *owned = arg;

	if (old_object)
		kt_owned_wake(owned, old_object);
	if (new_object && kt_controller_owner(new_object, NULL))
		kt_owned_wake(owned, new_object);
	else if (new_object && owned->takes_over && !kt_is_deleting(new_object))
		kt_each_selecting(owned->owners, new_object, add_owner, owned);
}

struct kt_informer *kt_owned_watch(
        struct kt_owned *owned, struct kt_controllers *controllers, const char *owned_path)
{
	struct kt_informer *informer = kt_controllers_informer(controllers, owned_path);

	if (owned->takes_over)
		kt_controllers_index(controllers, owned_path, "orphan", kt_index_orphans);
	kt_informer_add_handler(owned->owners,
	        &(struct kt_informer_handler){.on_change = owner_changed, .arg = owned});
	kt_informer_add_handler(
	        informer, &(struct kt_informer_handler){.on_change = owned_changed, .arg = owned});
	return informer;
}
