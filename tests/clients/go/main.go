// SPDX-License-Identifier: GPL-3.0-or-later

// The Go client on the cluster of $KUBECONFIG, by protobuf and by JSON: informers, pages, server-side apply, leader election,
// metadata. Then an operator of controller-runtime's with a custom resource of its own. Run by go_client.py.
package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/pager"
)

const namespace = "default"

type clients struct {
	config         *rest.Config
	protobuf, json *kubernetes.Clientset
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(ok bool, what string, about ...any) {
	if !ok {
		panic(fmt.Sprintf(what, about...))
	}
}

func eventually(what string, once func() bool) {
	for until := time.Now().Add(30 * time.Second); !once(); time.Sleep(20 * time.Millisecond) {
		check(time.Now().Before(until), "does not happen: %s", what)
	}
}

func discovers(ctx context.Context, c *clients) {
	groups, resources, err := c.json.Discovery().ServerGroupsAndResources()
	must(err)
	check(len(groups) > 15 && len(resources) > 15, "%d groups", len(groups))
	_, err = c.json.Discovery().OpenAPISchema() // protobuf
	must(err)
	paths, err := discovery.NewDiscoveryClientForConfigOrDie(c.config).OpenAPIV3().Paths()
	must(err)
	for path, group := range paths {
		for _, form := range []string{"application/json", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"} {
			_, err := group.Schema(form)
			check(err == nil, "%s as %s: %v", path, form, err)
		}
	}
}

func informs(ctx context.Context, c *clients) {
	for _, client := range []*kubernetes.Clientset{c.protobuf, c.json} {
		var added, updated, deleted atomic.Int32
		ctx, cancel := context.WithCancel(ctx)
		factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
		informer := factory.Core().V1().ConfigMaps().Informer()
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { added.Add(1) },
			UpdateFunc: func(_, _ any) { updated.Add(1) },
			DeleteFunc: func(any) { deleted.Add(1) },
		})
		must(err)
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
		before := int32(len(informer.GetStore().ListKeys()))
		maps := client.CoreV1().ConfigMaps(namespace)
		for i := range 20 {
			name := fmt.Sprintf("informed-%d", i)
			body := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, BinaryData: map[string][]byte{"b": {0, 255}}}
			_, err := maps.Create(ctx, body, metav1.CreateOptions{})
			must(err)
			_, err = maps.Patch(ctx, name, types.StrategicMergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{})
			must(err)
			must(maps.Delete(ctx, name, metav1.DeleteOptions{}))
		}
		eventually("the informer sees all", func() bool {
			return added.Load() == before+20 && updated.Load() == 20 && deleted.Load() == 20
		})
		cancel()
		factory.Shutdown()
	}
}

func informsOfMetadata(ctx context.Context, c *clients) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := metadata.NewForConfigOrDie(metadata.ConfigFor(c.config))
	factory := metadatainformer.NewSharedInformerFactory(client, 0)
	nodes := factory.ForResource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"})
	nodes.Informer() // asks for it
	factory.Start(ctx.Done())
	for _, synced := range factory.WaitForCacheSync(ctx.Done()) {
		check(synced, "not synced")
	}
	check(len(nodes.Informer().GetStore().ListKeys()) > 0, "no nodes")
}

func pages(ctx context.Context, c *clients) {
	secrets := c.protobuf.CoreV1().Secrets(namespace)
	for i := range 25 {
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("page-%02d", i), Labels: map[string]string{"page": "yes"}}
		_, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: meta}, metav1.CreateOptions{})
		must(err)
	}
	n := 0
	p := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return secrets.List(ctx, options)
	})
	p.PageSize = 10
	must(p.EachListItem(ctx, metav1.ListOptions{LabelSelector: "page"}, func(runtime.Object) error { n++; return nil }))
	check(n == 25, "%d items", n)
	must(secrets.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "page"}))
}

func applies(ctx context.Context, c *clients) {
	for _, client := range []*kubernetes.Clientset{c.protobuf, c.json} {
		maps := client.CoreV1().ConfigMaps(namespace)
		wanted := coreac.ConfigMap("applied", namespace).WithData(map[string]string{"color": "blue"})
		got, err := maps.Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: "one"})
		must(err)
		mine, err := coreac.ExtractConfigMap(got, "one")
		must(err)
		check(mine.Data["color"] == "blue", "extracted %v", mine.Data)
		_, err = maps.Apply(ctx, wanted.WithData(map[string]string{"color": "red"}), metav1.ApplyOptions{FieldManager: "two"})
		cause, found := apierrors.StatusCause(err, metav1.CauseTypeFieldManagerConflict)
		check(apierrors.IsConflict(err) && found && cause.Field == ".data.color", "conflict: %v", err)
		must(maps.Delete(ctx, "applied", metav1.DeleteOptions{}))
	}
}

func elects(ctx context.Context, c *clients) {
	var leads [2]atomic.Bool
	var cancels [2]context.CancelFunc
	for i := range leads {
		ctx, cancel := context.WithCancel(ctx)
		cancels[i] = cancel
		lock, err := resourcelock.New(resourcelock.LeasesResourceLock, namespace, "leader", c.protobuf.CoreV1(),
			c.protobuf.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: fmt.Sprint(i)})
		must(err)
		go leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, ReleaseOnCancel: true,
			LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { leads[i].Store(true) },
				OnStoppedLeading: func() { leads[i].Store(false) },
			}})
	}
	eventually("one leads", func() bool { return leads[0].Load() || leads[1].Load() })
	first := 0
	if leads[1].Load() {
		first = 1
	}
	check(!leads[1-first].Load(), "two lead")
	cancels[first]()
	eventually("the other leads", leads[1-first].Load)
	cancels[1-first]()
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	must(err)
	config.QPS = -1
	protobuf := rest.CopyConfig(config)
	protobuf.ContentType = "application/vnd.kubernetes.protobuf"
	c := &clients{config, kubernetes.NewForConfigOrDie(protobuf), kubernetes.NewForConfigOrDie(config)}
	failed := 0
	for _, step := range []struct {
		name string
		run  func(context.Context, *clients)
	}{
		{"discovers", discovers}, {"informs", informs}, {"informsOfMetadata", informsOfMetadata}, {"pages", pages},
		{"applies", applies}, {"elects", elects}, {"operates", operates},
	} {
		func() {
			defer func() {
				if why := recover(); why != nil {
					failed = 1
					fmt.Printf("FAILED  %s: %v\n", step.name, why)
				}
			}()
			step.run(context.Background(), c)
			fmt.Printf("ok      %s\n", step.name)
		}()
	}
	os.Exit(failed)
}
