// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const finalizer = "clients.example.org/clean"

var groupVersion = schema.GroupVersion{Group: "clients.example.org", Version: "v1"}

// What controller-gen makes of Gadget.
const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.clients.example.org}
spec:
  group: clients.example.org
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    selectableFields: [{jsonPath: .spec.image}]
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.ready, labelSelectorPath: .status.selector}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, format: int32, default: 1, minimum: 0}
              image: {type: string, default: "example.org/gadget:1"}
          status:
            type: object
            properties:
              ready: {type: integer, format: int32}
              selector: {type: string}
`

type Gadget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Size  int32  `json:"size,omitempty"`
		Image string `json:"image,omitempty"`
	} `json:"spec,omitempty"`
	Status struct {
		Ready    int32  `json:"ready,omitempty"`
		Selector string `json:"selector,omitempty"`
	} `json:"status,omitempty"`
}

type GadgetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Gadget `json:"items"`
}

// A copy by way of JSON: short, and quick enough here.
func copyOf[T any](from *T) *T {
	to := new(T)
	text, err := json.Marshal(from)
	must(err)
	must(json.Unmarshal(text, to))
	return to
}

func (gadget *Gadget) DeepCopyObject() runtime.Object   { return copyOf(gadget) }
func (list *GadgetList) DeepCopyObject() runtime.Object { return copyOf(list) }

// A gadget is a Deployment of its size; its finalizer goes last.
type reconciler struct {
	client.Client
	cleaned atomic.Int32
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	gadget := &Gadget{}
	if err := r.Get(ctx, request.NamespacedName, gadget); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if gadget.DeletionTimestamp != nil {
		if controllerutil.RemoveFinalizer(gadget, finalizer) {
			r.cleaned.Add(1)
			return ctrl.Result{}, r.Update(ctx, gadget)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(gadget, finalizer) {
		if err := r.Update(ctx, gadget); err != nil {
			return ctrl.Result{}, err
		}
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: gadget.Namespace, Name: gadget.Name}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, deployment, func() error {
		labels := map[string]string{"gadget": gadget.Name}
		deployment.Spec.Replicas = &gadget.Spec.Size
		deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		deployment.Spec.Template.Labels = labels
		if len(deployment.Spec.Template.Spec.Containers) == 0 {
			deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main"}}
		}
		deployment.Spec.Template.Spec.Containers[0].Image = gadget.Spec.Image
		return controllerutil.SetControllerReference(gadget, deployment, r.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	before := client.MergeFrom(copyOf(gadget))
	gadget.Status.Ready = deployment.Status.ReadyReplicas
	gadget.Status.Selector = "gadget=" + gadget.Name
	return ctrl.Result{}, r.Status().Patch(ctx, gadget, before)
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	must(corev1.AddToScheme(scheme))
	must(appsv1.AddToScheme(scheme))
	must(autoscalingv1.AddToScheme(scheme))
	scheme.AddKnownTypes(groupVersion, &Gadget{}, &GadgetList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	return scheme
}

func scales(ctx context.Context, c client.Client, live client.Reader, gadget *Gadget) {
	ready := func(n int32) func() bool {
		return func() bool {
			must(live.Get(ctx, client.ObjectKeyFromObject(gadget), gadget))
			return gadget.Status.Ready == n
		}
	}
	eventually("one replica is ready", ready(1))
	check(gadget.Generation == 1, "a status has no generation: %d", gadget.Generation)
	scale := &autoscalingv1.Scale{}
	must(c.SubResource("scale").Get(ctx, gadget, scale))
	check(scale.Spec.Replicas == 1 && scale.Status.Selector == "gadget=g", "scale %v", scale)
	scale.Spec.Replicas = 3
	must(c.SubResource("scale").Update(ctx, gadget, client.WithSubResourceBody(scale)))
	eventually("three replicas are ready", ready(3))
}

func selects(ctx context.Context, live client.Reader) {
	count := func(selector fields.Selector) (int, error) {
		list := &GadgetList{}
		err := live.List(ctx, list, client.InNamespace(namespace), client.MatchingFieldsSelector{Selector: selector})
		return len(list.Items), err
	}
	n, err := count(fields.OneTermEqualSelector("spec.image", "example.org/gadget:1"))
	check(err == nil && n == 1, "selected %d: %v", n, err)
	n, err = count(fields.OneTermNotEqualSelector("spec.image", "example.org/gadget:1"))
	check(err == nil && n == 0, "selected %d: %v", n, err)
	_, err = count(fields.OneTermEqualSelector("spec.size", "3"))
	check(apierrors.IsBadRequest(err), "no such selector: %v", err)
}

func operates(ctx context.Context, c *clients) {
	log.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	dir, err := os.MkdirTemp("", "definitions")
	must(err)
	defer os.RemoveAll(dir)
	must(os.WriteFile(filepath.Join(dir, "gadgets.yaml"), []byte(definition), 0o600))
	existing := true
	environment := &envtest.Environment{UseExistingCluster: &existing, Config: c.config, CRDDirectoryPaths: []string{dir}}
	environment.CRDInstallOptions.CleanUpAfterUse = true
	config, err := environment.Start()
	must(err)
	defer func() { must(environment.Stop()) }()

	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: newScheme(), LeaderElection: true, LeaderElectionID: "gadgets",
		LeaderElectionNamespace: namespace, LeaderElectionReleaseOnCancel: true, Metrics: server.Options{BindAddress: "0"}})
	must(err)
	r := &reconciler{Client: manager.GetClient()}
	must(ctrl.NewControllerManagedBy(manager).For(&Gadget{}).Owns(&appsv1.Deployment{}).Complete(r))
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	<-manager.Elected()

	live, gadget := manager.GetAPIReader(), &Gadget{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "g"}}
	must(r.Create(ctx, gadget))
	check(gadget.Spec.Size == 1 && gadget.Spec.Image == "example.org/gadget:1", "defaults %v", gadget.Spec)
	scales(ctx, r, live, gadget)
	selects(ctx, live)
	must(r.Delete(ctx, gadget))
	eventually("the deployment goes with its owner", func() bool {
		err := live.Get(ctx, client.ObjectKeyFromObject(gadget), &appsv1.Deployment{})
		return apierrors.IsNotFound(err) && r.cleaned.Load() == 1
	})
	cancel()
	must(<-ended)
}
