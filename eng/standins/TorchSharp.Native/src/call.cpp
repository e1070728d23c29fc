// Boxed calls: finds an operator once, then turns plain values into IValues by the operator's own schema.
#include "abi.h"
#include <ATen/core/Generator.h>
#include <string>

using namespace tsi;

namespace {

thread_local std::string last_error;

// c10::optional of this libtorch, whatever class that is
using MaybeTensor = decltype(std::declval<c10::IValue&>().toOptional<at::Tensor>());

enum class Kind { Tensor, Int, Float, Bool, Number, String, Device, Generator, Tensors, MaybeTensors, Ints, Floats, Bools, Other };

struct Argument {
  Kind kind;
  bool optional;
  bool has_default;
  c10::IValue fallback;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Argument> arguments;
};

Kind kind_of(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType: return Kind::Tensor;
    case c10::TypeKind::IntType: return Kind::Int;
    case c10::TypeKind::FloatType: return Kind::Float;
    case c10::TypeKind::BoolType: return Kind::Bool;
    case c10::TypeKind::NumberType: return Kind::Number;
    case c10::TypeKind::StringType: return Kind::String;
    case c10::TypeKind::DeviceObjType: return Kind::Device;
    case c10::TypeKind::GeneratorType: return Kind::Generator;
    case c10::TypeKind::ListType: {
      const auto& element = *type.containedType(0);
      if (element.kind() == c10::TypeKind::OptionalType) return Kind::MaybeTensors;
      switch (kind_of(element)) {
        case Kind::Tensor: return Kind::Tensors;
        case Kind::Int: return Kind::Ints;
        case Kind::Float: return Kind::Floats;
        case Kind::Bool: return Kind::Bools;
        default: return Kind::Other;
      }
    }
    default: return Kind::Other;
  }
}

Argument argument_of(const c10::Argument& schema) {
  const auto& type = *schema.type();
  bool optional = type.kind() == c10::TypeKind::OptionalType;
  Kind kind = optional ? kind_of(*type.containedType(0)) : kind_of(type);
  auto fallback = schema.default_value();
  return {kind, optional, fallback.has_value(), fallback.has_value() ? *fallback : c10::IValue()};
}

c10::IValue ints(const Val& value) {
  c10::List<int64_t> list;
  const auto* items = static_cast<const int64_t*>(value.p);
  list.reserve(value.aux);
  for (int32_t k = 0; k < value.aux; k++) list.push_back(items[k]);
  return list;
}

c10::IValue doubles(const Val& value) {
  c10::List<double> list;
  const auto* items = static_cast<const double*>(value.p);
  for (int32_t k = 0; k < value.aux; k++) list.push_back(items[k]);
  return list;
}

c10::IValue bools(const Val& value) {
  c10::List<bool> list;
  const auto* items = static_cast<const uint8_t*>(value.p);
  for (int32_t k = 0; k < value.aux; k++) list.push_back(items[k] != 0);
  return list;
}

c10::IValue tensors(const Val& value, Kind kind) {
  const auto* items = static_cast<Handle const*>(value.p);
  if (kind == Kind::MaybeTensors) {
    c10::List<MaybeTensor> list;
    list.reserve(value.aux);
    for (int32_t k = 0; k < value.aux; k++) {
      if (items[k] == nullptr) list.push_back(MaybeTensor());
      else list.push_back(MaybeTensor(borrow(items[k])));
    }
    return list;
  }
  c10::List<at::Tensor> list;
  list.reserve(value.aux);
  for (int32_t k = 0; k < value.aux; k++) list.push_back(borrow(items[k]));
  return list;
}

c10::IValue boxed(const Val& value, const Argument& argument) {
  switch (value.tag) {
    case Tag::None:
      return argument.kind == Kind::Tensor && !argument.optional ? c10::IValue(at::Tensor()) : c10::IValue();
    case Tag::Tensor: return c10::IValue(borrow(static_cast<Handle>(value.p)));
    case Tag::Int:
      switch (argument.kind) {
        case Kind::Float: return c10::IValue(static_cast<double>(value.i));
        case Kind::Bool: return c10::IValue(value.i != 0);
        case Kind::Ints: return c10::IValue(c10::List<int64_t>({value.i}));
        default: return c10::IValue(value.i);
      }
    case Tag::Double:
      if (argument.kind == Kind::Int) return c10::IValue(static_cast<int64_t>(value.d));
      return c10::IValue(value.d);
    case Tag::Bool:
      if (argument.kind == Kind::Int) return c10::IValue(value.i != 0 ? int64_t{1} : int64_t{0});
      if (argument.kind == Kind::Float) return c10::IValue(value.i != 0 ? 1.0 : 0.0);
      return c10::IValue(value.i != 0);
    case Tag::Ints: return ints(value);
    case Tag::Doubles: return doubles(value);
    case Tag::Bools: return bools(value);
    case Tag::Tensors: return tensors(value, argument.kind);
    case Tag::Device: return c10::IValue(c10::Device(static_cast<c10::DeviceType>(value.i), static_cast<c10::DeviceIndex>(value.aux)));
    case Tag::Generator:
      return c10::IValue(at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(static_cast<c10::GeneratorImpl*>(value.p))));
    case Tag::String: return c10::IValue(std::string(static_cast<const char*>(value.p), value.aux));
    case Tag::Complex: {
      const auto* parts = static_cast<const double*>(value.p);
      return c10::IValue(c10::complex<double>(parts[0], parts[1]));
    }
    case Tag::Default:
      TORCH_CHECK(argument.has_default, "this argument has no default value");
      return argument.fallback;
    default: TORCH_CHECK(false, "unknown kind of value: ", value.tag);
  }
}

Val list_of(const c10::List<at::Tensor>& list) {
  Val value{Tag::Tensors, static_cast<int32_t>(list.size()), {0}};
  auto* handles = static_cast<Handle*>(malloc(sizeof(Handle) * (list.size() + 1)));
  for (size_t k = 0; k < list.size(); k++) handles[k] = give(list.get(k));
  value.p = handles;
  return value;
}

Val unboxed(c10::IValue&& result) {
  Val value{Tag::None, 0, {0}};
  if (result.isTensor()) {
    value.tag = Tag::Tensor;
    value.p = give(std::move(result).toTensor());
  } else if (result.isInt()) {
    value.tag = Tag::Int;
    value.i = result.toInt();
  } else if (result.isDouble()) {
    value.tag = Tag::Double;
    value.d = result.toDouble();
  } else if (result.isBool()) {
    value.tag = Tag::Bool;
    value.i = result.toBool();
  } else if (result.isTensorList()) {
    value = list_of(result.toTensorList());
  } else if (result.isComplexDouble()) {
    auto complex = result.toComplexDouble();
    auto* parts = static_cast<double*>(malloc(2 * sizeof(double)));
    parts[0] = complex.real();
    parts[1] = complex.imag();
    value.tag = Tag::Complex;
    value.p = parts;
  } else {
    TORCH_CHECK(result.isNone(), "results of type ", result.tagKind(), " are not supported");
  }
  return value;
}

}  // namespace

void tsi::set_error(const char* message) { last_error = message; }

TSI_EXPORT const char* tsi_last_error() { return last_error.c_str(); }

TSI_EXPORT void tsi_free(void* memory) { free(memory); }

// 0 when there is no such operator in this libtorch.
TSI_EXPORT void* tsi_find(const char* name, const char* overload) {
  return guarded<>(static_cast<void*>(nullptr), [&]() -> void* {
    std::string full = std::string(name).find("::") == std::string::npos ? std::string("aten::") + name : std::string(name);
    auto found = c10::Dispatcher::singleton().findSchema({full, overload});
    TORCH_CHECK(found.has_value(), "this libtorch has no operator ", full, *overload ? "." : "", overload);
    auto* op = new Operator{*found, {}};
    for (const auto& argument : found->schema().arguments()) op->arguments.push_back(argument_of(argument));
    return op;
  });
}

// Arguments left out at the end take their schema's default. At most `room` results are handed out, the others dropped.
TSI_EXPORT int tsi_call(void* which, const Val* values, int count, Val* results, int room) {
  return guarded(-1, [&]() -> int {
    const auto& op = *static_cast<Operator*>(which);
    TORCH_CHECK(static_cast<size_t>(count) <= op.arguments.size(), op.handle.schema(), " was given ", count, " arguments");
    torch::jit::Stack stack;
    stack.reserve(op.arguments.size());
    for (int k = 0; k < count; k++) stack.push_back(boxed(values[k], op.arguments[k]));
    for (size_t k = count; k < op.arguments.size(); k++) {
      TORCH_CHECK(op.arguments[k].has_default, op.handle.schema(), " was given ", count, " arguments");
      stack.push_back(op.arguments[k].fallback);
    }
    op.handle.callBoxed(&stack);
    int given = std::min<int>(room, static_cast<int>(stack.size()));
    for (int k = 0; k < given; k++) results[k] = unboxed(std::move(stack[k]));
    return given;
  });
}
