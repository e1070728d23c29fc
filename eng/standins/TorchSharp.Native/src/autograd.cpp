// Backward passes, gradient modes, and graph nodes whose backward is managed code.
#include "abi.h"
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

using namespace tsi;
using torch::autograd::Node;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

namespace {

// Both fill `given` from `grads`; the managed side returns 0, or -1 after it has set the error.
using Apply = int (*)(void* context, void* node, Handle const* grads, int count, Handle* given, int room);
using Forget = void (*)(void* context);

struct ManagedNode : public Node {
  void* context = nullptr;
  Apply apply_managed = nullptr;
  Forget forget = nullptr;
  bool materialize = true;
  std::vector<SavedVariable> saved;
  struct Output { bool defined; std::vector<int64_t> sizes; at::TensorOptions options; };
  std::vector<Output> outputs;
  std::string title;

  ~ManagedNode() override { forget(context); }

  variable_list apply(variable_list&& grads) override {
    for (size_t k = 0; materialize && k < grads.size(); k++)
      if (!grads[k].defined() && k < outputs.size() && outputs[k].defined) grads[k] = at::zeros(outputs[k].sizes, outputs[k].options);
    std::vector<Handle> taken, given(num_outputs(), nullptr);
    for (auto& grad : grads) taken.push_back(give(grad));
    int code = apply_managed(context, this, taken.data(), static_cast<int>(taken.size()), given.data(), static_cast<int>(given.size()));
    variable_list results;
    for (auto* handle : given)
      results.push_back(handle == nullptr ? at::Tensor() : at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(handle)));
    if (code != 0) throw std::runtime_error(title + ": " + tsi_message());
    return results;
  }

  static std::string tsi_message();

  void release_variables() override {
    for (auto& variable : saved) variable.reset_data();
  }

  std::string name() const override { return title; }
};

thread_local std::string managed_error;

std::string ManagedNode::tsi_message() { return managed_error; }

using NodePointer = std::shared_ptr<ManagedNode>;

bool contains(const variable_list& list, const at::Tensor& tensor) {
  for (const auto& item : list)
    if (item.is_same(tensor)) return true;
  return false;
}

// Ties one output of the forward pass to its node.
at::Tensor tie(at::Tensor output, const NodePointer& node, const variable_list& inputs, const variable_list& dirty, const variable_list& constant) {
  if (!output.defined() || contains(constant, output)) {
    node->add_input_metadata(Node::undefined_input());
    node->outputs.push_back({false, {}, {}});
    return output.defined() && output.requires_grad() ? output.detach() : output;
  }
  bool changed = contains(dirty, output);
  TORCH_CHECK(!(changed && output.is_leaf() && output.requires_grad()), "a leaf Variable that requires grad is being used in an in-place operation.");
  bool given_back = !changed && contains(inputs, output);
  if (given_back) {
    at::AutoDispatchBelowADInplaceOrView guard;
    output = output.view_as(output);
  }
  node->outputs.push_back({true, output.sizes().vec(), output.options()});
  uint32_t number = node->add_input_metadata(output);
  if (changed) {
    torch::autograd::impl::bump_version(output);
    torch::autograd::impl::rebase_history(output, {node, number});
  } else {
    torch::autograd::impl::set_gradient_edge(output, {node, number});
  }
  return output;
}

}  // namespace

TSI_EXPORT void tsi_set_managed_error(const char* message) { managed_error = message; }

TSI_EXPORT void* tsi_node_new(void* context, Apply apply, Forget forget, const char* name, Handle const* inputs, int count) {
  return guarded(static_cast<void*>(nullptr), [&]() -> void* {
    auto list = borrow_all(inputs, count);
    NodePointer node(new ManagedNode(), torch::autograd::deleteNode);
    node->context = context;
    node->apply_managed = apply;
    node->forget = forget;
    node->title = name;
    node->set_next_edges(torch::autograd::collect_next_edges(list));
    return new NodePointer(std::move(node));
  });
}

TSI_EXPORT void tsi_node_free(void* node) { delete static_cast<NodePointer*>(node); }

// Replaces each handle in `outputs` by one that belongs to the graph.
TSI_EXPORT int tsi_node_wrap(void* node, Handle const* inputs, int input_count, Handle* outputs, int output_count,
                             Handle const* dirty, int dirty_count, Handle const* constant, int constant_count, int materialize) {
  return guarded(-1, [&] {
    const auto& pointer = *static_cast<NodePointer*>(node);
    pointer->materialize = materialize != 0;
    auto in = borrow_all(inputs, input_count), changed = borrow_all(dirty, dirty_count), fixed = borrow_all(constant, constant_count);
    variable_list results;
    for (int k = 0; k < output_count; k++) results.push_back(tie(borrow(outputs[k]), pointer, in, changed, fixed));
    for (int k = 0; k < output_count; k++) outputs[k] = give(std::move(results[k]));
    return 0;
  });
}

TSI_EXPORT int tsi_node_save(void* node, Handle const* tensors, int count) {
  return guarded(-1, [&] {
    const auto& pointer = *static_cast<NodePointer*>(node);
    pointer->saved.clear();
    for (int k = 0; k < count; k++) {
      auto tensor = borrow(tensors[k]);
      bool own = tensor.defined() && tensor.grad_fn().get() == pointer.get();
      pointer->saved.emplace_back(tensor, own);
    }
    return 0;
  });
}

// `node` is the bare pointer that a backward pass was given.
TSI_EXPORT int tsi_node_saved(void* node, Handle* tensors, int room) {
  return guarded(-1, [&] {
    auto* bare = static_cast<ManagedNode*>(node);
    int count = static_cast<int>(bare->saved.size());
    for (int k = 0; k < count && k < room; k++) tensors[k] = give(bare->saved[k].unpack(bare->shared_from_this()));
    return count;
  });
}

TSI_EXPORT int tsi_backward(Handle const* tensors, int count, Handle const* grads, int grad_count, int retain, int create,
                            Handle const* inputs, int input_count) {
  return guarded(-1, [&] {
    auto roots = borrow_all(tensors, count), seeds = borrow_all(grads, grad_count), leaves = borrow_all(inputs, input_count);
    if (retain < 0) torch::autograd::backward(roots, seeds, {}, create != 0, leaves);
    else torch::autograd::backward(roots, seeds, retain != 0, create != 0, leaves);
    return 0;
  });
}

TSI_EXPORT int tsi_gradients(Handle const* tensors, int count, Handle const* inputs, int input_count, Handle const* grads, int grad_count,
                             int retain, int create, int unused, Handle* results) {
  return guarded(-1, [&] {
    auto roots = borrow_all(tensors, count), seeds = borrow_all(grads, grad_count), leaves = borrow_all(inputs, input_count);
    auto given = torch::autograd::grad(roots, leaves, seeds, retain != 0, create != 0, unused != 0);
    for (size_t k = 0; k < given.size(); k++) results[k] = give(given[k]);
    return 0;
  });
}

TSI_EXPORT int tsi_grad_enabled() { return at::GradMode::is_enabled() ? 1 : 0; }
TSI_EXPORT void tsi_set_grad_enabled(int on) { at::GradMode::set_enabled(on != 0); }
TSI_EXPORT int tsi_inference_enabled() { return c10::InferenceMode::is_enabled() ? 1 : 0; }
TSI_EXPORT void* tsi_inference_enter(int on) { return new c10::InferenceMode(on != 0); }
TSI_EXPORT void tsi_inference_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }
TSI_EXPORT int tsi_anomaly_enabled() { return torch::autograd::AnomalyMode::is_enabled() ? 1 : 0; }
TSI_EXPORT int tsi_anomaly_checks_nan() { return torch::autograd::AnomalyMode::should_check_nan() ? 1 : 0; }
TSI_EXPORT void tsi_set_anomaly(int on, int check_nan) { torch::autograd::AnomalyMode::set_enabled(on != 0, check_nan != 0); }
