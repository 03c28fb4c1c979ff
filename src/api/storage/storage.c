/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/storage/storage.h"

#include "base/mem.h"

void kt_storage_list_finish(struct kt_storage_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++)
		kt_object_unref(list->objects[i]);
	free(list->objects);
	free(list->next_key);
	*list = (struct kt_storage_list){0};
}

void kt_storage_event_finish(struct kt_storage_event *event)
{
	if (!event)
		return;
	kt_object_unref(event->object);
	kt_object_unref(event->prev);
	*event = (struct kt_storage_event){0};
}
