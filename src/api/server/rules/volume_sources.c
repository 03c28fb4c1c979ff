/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One small function per kind of volume; the table at the end lists them. */
#include "api/machinery/names.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/volumes.h"

#include <ctype.h>

static void need(struct kt_rule_context *c, const struct kt_at *source, const char *name)
{
	struct kt_at at = kt_at(source, name);
	kt_check_required(c, &at);
}

static void need_list(struct kt_rule_context *c, const struct kt_at *source, const char *name)
{
	struct kt_at at = kt_at(source, name);
	if (!kt_at_n(&at))
		kt_add_required(c, &at, "");
}

static void check_partition(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at at = kt_at(source, "partition");
	if (kt_at_int(&at) < 0 || kt_at_int(&at) > 255)
		kt_add_invalid(c, &at, "must be between 1 and 255, inclusive");
}

static void check_secret_ref(
        struct kt_rule_context *c, const struct kt_at *source, const char *name)
{
	struct kt_at ref = kt_at(source, name), at = kt_at(&ref, "name");
	if (ref.value)
		kt_check_required(c, &at);
}

static void check_host_path(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at path = kt_at(source, "path"), type = kt_at(source, "type");
	if (kt_check_required(c, &path))
		kt_check_no_backsteps(c, &path);
	if (type.value)
		kt_check_enum(c, &type);
}

static void check_git_repo(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at directory = kt_at(source, "directory");
	need(c, source, "repository");
	kt_check_descending_path(c, &directory);
}

static void check_gce(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "pdName");
	check_partition(c, source);
}

static void check_ebs(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "volumeID");
	check_partition(c, source);
}

static void check_nfs(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at path = kt_at(source, "path");
	need(c, source, "server");
	kt_check_required(c, &path);
	if (*kt_at_text(&path) != '/')
		kt_add_invalid(c, &path, "must be an absolute path");
}

/* iqn.yyyy-mm.domain:name, eui.16 hexadecimal digits, naa.16 or 32 of them */
static bool is_iqn(const char *text)
{
	const char *p = text + 4;
	for (int i = 0; i < 7; i++, p++)
		if (i == 4 ? *p != '-' : !isdigit((unsigned char)*p))
			return false;
	if (*p++ != '.' || !isalnum((unsigned char)*p))
		return false;
	while (isalnum((unsigned char)*p) || *p == '.' || *p == '-')
		p++;
	return *p == '\0' || (*p == ':' && p[1]);
}

static bool is_hex_id(const char *text, size_t a, size_t b)
{
	size_t len = strlen(text);
	return (len == a || len == b) && strspn(text, "0123456789abcdefABCDEF") == len;
}

static void check_iscsi_name(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *text = kt_at_text(at);
	bool iqn = kt_starts_with(text, "iqn"), eui = kt_starts_with(text, "eui"),
	     naa = kt_starts_with(text, "naa");
	if (!iqn && !eui && !naa) {
		kt_add_invalid(c, at, "must be valid format starting with iqn, eui, or naa");
		return;
	}
	bool good = text[3] == '.' && (iqn          ? is_iqn(text)
	                                      : eui ? is_hex_id(text + 4, 16, 16)
	                                            : is_hex_id(text + 4, 16, 32));
	if (!good)
		kt_add_invalid(c, at, "must be valid format");
}

static void check_iscsi(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at iqn = kt_at(source, "iqn"), lun = kt_at(source, "lun"),
	             initiator = kt_at(source, "initiatorName");
	struct kt_at secret = kt_at(source, "secretRef");
	need(c, source, "targetPortal");
	if (kt_check_required(c, &iqn))
		check_iscsi_name(c, &iqn);
	kt_check_between(c, &lun, 0, 255);
	bool chap = kt_bool_of(source->value, "chapAuthDiscovery") ||
	            kt_bool_of(source->value, "chapAuthSession");
	if (chap && !secret.value)
		kt_add_required(c, &secret, "");
	if (initiator.value)
		check_iscsi_name(c, &initiator);
}

static void check_glusterfs(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "endpoints");
	need(c, source, "path");
}

static void check_flocker(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at name = kt_at(source, "datasetName"), uuid = kt_at(source, "datasetUUID");
	if (!*kt_at_text(&name) && !*kt_at_text(&uuid))
		kt_add_required(c, source, "one of datasetName and datasetUUID is required");
	if (*kt_at_text(&name) && *kt_at_text(&uuid))
		kt_add_invalid_text(c, source, "resource",
		        "datasetName and datasetUUID can not be specified simultaneously");
	if (strchr(kt_at_text(&name), '/'))
		kt_add_invalid(c, &name, "must not contain '/'");
}

static void check_claim(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "claimName");
}

static void check_rbd(struct kt_rule_context *c, const struct kt_at *source)
{
	need_list(c, source, "monitors");
	need(c, source, "image");
}

static void check_cinder(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "volumeID");
	check_secret_ref(c, source, "secretRef");
}

static void check_cephfs(struct kt_rule_context *c, const struct kt_at *source)
{
	need_list(c, source, "monitors");
}

static void check_quobyte(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at registry = kt_at(source, "registry"), tenant = kt_at(source, "tenant");
	if (!*kt_at_text(&registry)) {
		kt_add_required(c, &registry,
		        "must be a host:port pair or multiple pairs separated by commas");
	} else if (strlen(kt_at_text(&tenant)) > 64) {
		kt_add_required(
		        c, &tenant, "must be a UUID and may not exceed a length of 64 characters");
	} else {
		struct kt_sv rest = kt_sv_of(kt_at_text(&registry)), part;
		while (kt_sv_split(&rest, ',', &part)) {
			const char *colon = memchr(part.p, ':', part.len);
			if (!colon)
				kt_add_invalid(c, &registry,
				        "must be a host:port pair or multiple pairs separated by "
				        "commas");
		}
	}
	need(c, source, "volume");
}

static void check_fc(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at wwns = kt_at(source, "targetWWNs"), wwids = kt_at(source, "wwids"),
	             lun = kt_at(source, "lun");
	if (!kt_at_n(&wwns) && !kt_at_n(&wwids))
		kt_add_required(c, &wwns, "must specify either targetWWNs or wwids, but not both");
	if (kt_at_n(&wwns) && kt_at_n(&wwids))
		kt_add_invalid(
		        c, &wwns, "targetWWNs and wwids can not be specified simultaneously");
	if (!kt_at_n(&wwns))
		return;
	if (!lun.value)
		kt_add_required(c, &lun, "lun is required if targetWWNs is specified");
	else
		kt_check_between(c, &lun, 0, 255);
}

static void check_azure_file(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at ns = kt_at(source, "secretNamespace");
	need(c, source, "secretName");
	need(c, source, "shareName");
	if (ns.value && !*kt_at_text(&ns))
		kt_add_required(c, &ns, "");
}

static void check_azure_disk(struct kt_rule_context *c, const struct kt_at *source)
{
	static const char *const kinds[] = {"Dedicated", "Managed", "Shared", NULL};
	struct kt_at uri = kt_at(source, "diskURI"), mode = kt_at(source, "cachingMode"),
	             kind = kt_at(source, "kind");
	need(c, source, "diskName");
	kt_check_required(c, &uri);
	kt_check_optional_enum(c, &mode);
	if (kind.value && !kt_check_in(c, &kind, kinds))
		return;
	bool managed = kt_at_is(&kind, "Managed");
	if (managed && !kt_starts_with(kt_at_text(&uri), "/subscriptions"))
		kt_add_not_supported(c, &uri,
		        (const char *const[]){"/subscriptions/{sub-id}/resourcegroups/{group-name}/"
		                              "providers/microsoft.compute/disks/{disk-id}",
		                NULL});
	if (!managed && !kt_starts_with(kt_at_text(&uri), "https://"))
		kt_add_not_supported(c, &uri,
		        (const char *const[]){"https://{account-name}.blob.core.windows.net/"
		                              "{container-name}/{disk-name}.vhd",
		                NULL});
}

static void check_vsphere(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "volumePath");
}

static void check_photon(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "pdID");
}

static void check_portworx(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "volumeID");
}

static void check_storageos(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at name = kt_at(source, "volumeName"), ns = kt_at(source, "volumeNamespace");
	kt_check_required_format(c, &name, "dns1123-label");
	kt_check_optional_format(c, &ns, "dns1123-label");
	check_secret_ref(c, source, "secretRef");
}

static void check_scaleio(struct kt_rule_context *c, const struct kt_at *source)
{
	need(c, source, "gateway");
	need(c, source, "system");
	need(c, source, "volumeName");
}

void kt_check_csi_driver_name(struct kt_rule_context *c, const struct kt_at *name)
{
	if (!kt_check_required(c, name))
		return;
	if (strlen(kt_at_text(name)) > 63)
		kt_add_too_long(c, name, 63);
	char *lower = kt_arena_strdup(c->arena, kt_at_text(name));
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	struct kt_messages messages = {0};
	size_t n = kt_format_check("dns1123-subdomain", kt_sv_of(lower), &messages);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid(c, name, "%s", messages.items[i]);
}

/* Sorted by name. Sources that need more than themselves (emptyDir, projected, ephemeral, csi) are
 * checked by their users. */
static const struct kt_volume_source sources[] = {
        {"awsElasticBlockStore", NULL, check_ebs},
        {"azureDisk", NULL, check_azure_disk},
        {"azureFile", NULL, check_azure_file},
        {"cephfs", NULL, check_cephfs},
        {"cinder", NULL, check_cinder},
        {"fc", NULL, check_fc},
        {"flocker", NULL, check_flocker},
        {"gcePersistentDisk", "persistentDisk", check_gce},
        {"gitRepo", NULL, check_git_repo},
        {"glusterfs", NULL, check_glusterfs},
        {"hostPath", NULL, check_host_path},
        {"iscsi", NULL, check_iscsi},
        {"nfs", NULL, check_nfs},
        {"persistentVolumeClaim", NULL, check_claim},
        {"photonPersistentDisk", NULL, check_photon},
        {"portworxVolume", NULL, check_portworx},
        {"quobyte", NULL, check_quobyte},
        {"rbd", NULL, check_rbd},
        {"scaleIO", NULL, check_scaleio},
        {"storageos", NULL, check_storageos},
        {"vsphereVolume", NULL, check_vsphere},
};

static int cmp_source(const void *key, const void *entry)
{
	return strcmp(key, ((const struct kt_volume_source *)entry)->name);
}

const struct kt_volume_source *kt_volume_source_find(const char *name)
{
	return bsearch(name, sources, KT_ARRAY_SIZE(sources), sizeof(sources[0]), cmp_source);
}
