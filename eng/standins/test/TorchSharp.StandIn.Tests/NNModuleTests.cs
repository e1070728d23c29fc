using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class NNModuleTests
{
    [TestMethod]
    public void components_are_named_by_field_or_attribute_and_shared_ones_once()
    {
        using DisposeScope scope = NewDisposeScope();
        using Tree tree = new();
        CollectionAssert.AreEqual(new[] { "own", "first.weight", "renamed.weight", "renamed.bias", "row.0.weight", "row.0.bias" },
            tree.named_parameters().Select(item => item.Item1).ToArray());
        CollectionAssert.AreEqual(new[] { "table" }, tree.named_buffers().Select(item => item.Item1).ToArray());
        CollectionAssert.AreEqual(new[] { "first", "renamed", "again", "row" }, tree.named_children().Select(item => item.Item1).ToArray());
        CollectionAssert.AreEqual(new[] { "first", "renamed", "again", "row", "row.0" }, tree.named_modules().Select(item => item.Item1).ToArray());
        CollectionAssert.AreEqual(
            new[] { "own", "first.weight", "renamed.weight", "renamed.bias", "row.0.weight", "row.0.bias", "table", "again.weight" },
            tree.state_dict().Keys.ToArray());
    }

    [TestMethod]
    public void targets_are_found_by_path()
    {
        using DisposeScope scope = NewDisposeScope();
        using Tree tree = new();
        Assert.IsTrue(tree.has_parameter("row.0.bias"));
        Assert.IsFalse(tree.has_parameter("row.1.bias"));
        Assert.IsTrue(tree.has_buffer("table"));
        Assert.AreEqual(3, tree.get_parameter("row.0.bias")!.numel());
        Assert.IsNull(tree.get_buffer("first.table"));
    }

    [TestMethod]
    public void registering_twice_or_badly_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using Tree tree = new();
        using Linear layer = Linear(1, 1);
        Assert.ThrowsExactly<InvalidOperationException>(() => tree.register_module("first", layer));
        Assert.ThrowsExactly<ArgumentException>(() => tree.register_module("a.b", layer));
        Assert.ThrowsExactly<ArgumentException>(() => tree.register_module("", layer));
        Assert.ThrowsExactly<InvalidOperationException>(() => tree.register_parameter("own", new Parameter(zeros(1))));
        Assert.ThrowsExactly<InvalidOperationException>(() => tree.register_buffer("table", zeros(1)));
        Assert.ThrowsExactly<ArgumentNullException>(() => tree.register_parameter("none", null!));
    }

    [TestMethod]
    public void training_reaches_every_module()
    {
        using DisposeScope scope = NewDisposeScope();
        using Tree tree = new();
        Assert.IsTrue(tree.training);
        tree.eval();
        Assert.IsFalse(tree.training);
        Assert.IsTrue(tree.modules().All(module => !module.training));
        tree.train();
        Assert.IsTrue(tree.modules().All(module => module.training));
    }

    [TestMethod]
    public void a_state_dictionary_goes_over_and_must_fit()
    {
        using DisposeScope scope = NewDisposeScope();
        using Tree from = new(), to = new();
        to.load_state_dict(from.state_dict());
        foreach ((string name, Tensor value) in from.state_dict())
            NNSupport.Near(value, to.state_dict()[name], 0);
        Dictionary<string, Tensor> part = from.state_dict();
        part.Remove("own");
        part.Add("other", zeros(1));
        Assert.ThrowsExactly<InvalidOperationException>(() => to.load_state_dict(part));
        (IList<string> missing, IList<string> unexpected) = to.load_state_dict(part, strict: false);
        CollectionAssert.AreEqual(new[] { "own" }, missing.ToArray());
        CollectionAssert.AreEqual(new[] { "other" }, unexpected.ToArray());
        Assert.AreEqual(0, to.load_state_dict(part, skip: ["own", "other"]).Item1.Count);
    }

    [TestMethod]
    public void saved_weights_come_back()
    {
        using DisposeScope scope = NewDisposeScope();
        using Tree from = new(), to = new();
        using MemoryStream file = new();
        from.save(file);
        Dictionary<string, bool> loaded = [];
        to.load(new MemoryStream(file.ToArray()), loadedParameters: loaded);
        foreach ((string name, Tensor value) in from.state_dict())
            NNSupport.Near(value, to.state_dict()[name], 0);
        CollectionAssert.AreEquivalent(from.state_dict().Keys, loaded.Keys);
        using Linear small = Linear(1, 1);
        Assert.ThrowsExactly<ArgumentException>(() => small.load(new MemoryStream(file.ToArray())));
    }

    [TestMethod]
    public void dispose_frees_parameters_and_buffers_of_the_whole_tree()
    {
        using DisposeScope scope = NewDisposeScope();
        Tree tree = new();
        List<Tensor> tensors = [.. tree.state_dict().Values];
        tree.Dispose();
        tree.Dispose();
        Assert.IsTrue(tensors.TrueForAll(tensor => tensor.IsInvalid));
    }

    [TestMethod]
    public void parameters_of_layers_outlive_the_scope_and_those_of_fields_do_not()
    {
        Linear layer;
        LayerNorm norm;
        Tree tree;
        using (NewDisposeScope())
        {
            layer = Linear(2, 2);
            norm = LayerNorm(2);
            tree = new Tree();
        }
        Assert.IsFalse(layer.weight.IsInvalid);
        Assert.IsFalse(norm.weight.IsInvalid);
        Assert.IsTrue(tree.get_parameter("own")!.IsInvalid);
        layer.Dispose();
        norm.Dispose();
        tree.Dispose();
    }

    [TestMethod]
    public void conversion_replaces_parameters_fields_and_floating_buffers()
    {
        using DisposeScope scope = NewDisposeScope();
        using Tree tree = new();
        tree.register_buffer("counts", zeros(2, ScalarType.Int64));
        tree.to(ScalarType.Float64);
        Assert.AreEqual(ScalarType.Float64, tree.Own.dtype);
        Assert.IsTrue(tree.Own.requires_grad);
        Assert.AreEqual(ScalarType.Float64, tree.get_buffer("table")!.dtype);
        Assert.AreEqual(ScalarType.Int64, tree.get_buffer("counts")!.dtype);
        Assert.AreEqual(ScalarType.Float64, tree.call(ones(1, 2, dtype: ScalarType.Float64)).dtype);
        Assert.ThrowsExactly<ArgumentException>(() => tree.to(ScalarType.Int64));
    }

    [TestMethod]
    public void hooks_run_around_call_and_not_around_forward()
    {
        using DisposeScope scope = NewDisposeScope();
        using Identity module = Identity();
        int seen = 0;
        var before = module.register_forward_pre_hook((_, input) => input + 1);
        var after = module.register_forward_hook((_, _, output) => output * 10);
        module.register_forward_hook(_ => seen++);
        NNSupport.Near([20], module.call(ones(1)));
        NNSupport.Near([1], module.forward(ones(1)));
        before.remove();
        after.remove();
        NNSupport.Near([1], module.call(ones(1)));
        Assert.AreEqual(2, seen);
    }

    private sealed class Tree : Module<Tensor, Tensor>
    {
        private readonly Parameter own = new(ones(2));
        private readonly Tensor table = arange(3, ScalarType.Float32);
        private readonly Linear first = Linear(2, 3, hasBias: false);
        [ComponentName(Name = "renamed")] private readonly Linear _second = Linear(3, 3);
        private readonly Linear again;
        private readonly ModuleList<Linear> row = ModuleList(Linear(3, 3));

        public Tree() : base(nameof(Tree))
        {
            again = first;
            RegisterComponents();
        }

        public Parameter Own => own;

        public override Tensor forward(Tensor input) => row[0].call(_second.call(first.call(input * own)));
    }
}
