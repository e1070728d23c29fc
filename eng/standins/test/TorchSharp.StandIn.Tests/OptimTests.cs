using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class OptimTests
{
    [TestMethod]
    public void weight_decay_of_adamw_is_zero_by_default()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = Parameter(2);
        using AdamW optimizer = optim.AdamW([parameter], lr: 0.5);
        parameter.grad = zeros(1);
        optimizer.step();
        NNSupport.Near([2], parameter);
    }

    [TestMethod]
    public void zero_grad_of_an_optimizer_fills_with_zeros_and_that_of_a_module_frees()
    {
        using DisposeScope scope = NewDisposeScope();
        using Linear layer = nn.Linear(2, 1);
        using SGD optimizer = optim.SGD(layer.parameters(), 0.1);
        layer.call(ones(1, 2)).sum().backward();
        optimizer.zero_grad();
        NNSupport.Near([0, 0], layer.weight.grad!);
        layer.zero_grad();
        Assert.IsNull(layer.weight.grad);
    }

    [TestMethod]
    public void parameters_without_a_gradient_are_left_alone()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter moved = Parameter(1), still = Parameter(1);
        using AdamW optimizer = optim.AdamW([moved, still], lr: 0.5, weight_decay: 0.1);
        moved.grad = ones(1);
        optimizer.step();
        NNSupport.Near([1], still);
        Assert.AreNotEqual(1f, moved[0].item<float>());
    }

    [TestMethod]
    public void groups_have_their_own_rates_and_take_the_rest_from_the_defaults()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter slow = Parameter(1), fast = Parameter(1);
        using SGD optimizer = optim.SGD(
            new SGD.ParamGroup[] { new([slow], new SGD.Options { LearningRate = 0.1 }), new() { Parameters = [fast] } }, 1.0);
        slow.grad = ones(1);
        fast.grad = ones(1);
        optimizer.step();
        NNSupport.Near([0.9], slow);
        NNSupport.Near([0], fast);
        CollectionAssert.AreEqual(new[] { 0.1, 1.0 }, optimizer.ParamGroups.Select(group => group.InitialLearningRate).ToArray());
    }

    [TestMethod]
    public void a_closure_gives_the_loss_with_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = Parameter(3);
        using SGD optimizer = optim.SGD([parameter], 0.25);
        using var off = no_grad();
        Tensor loss = optimizer.step(() =>
        {
            Tensor square = parameter.square().sum();
            square.backward();
            return square;
        });
        Assert.AreEqual(9f, loss.item<float>());
        NNSupport.Near([1.5], parameter);
    }

    [TestMethod]
    public void bad_settings_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = Parameter(1);
        Assert.Contains("learning rate", Assert.ThrowsExactly<ArgumentException>(() => optim.AdamW([parameter], lr: -1)).Message);
        Assert.Contains("beta1", Assert.ThrowsExactly<ArgumentException>(() => optim.AdamW([parameter], beta1: 1)).Message);
        Assert.ThrowsExactly<ArgumentException>(() => optim.SGD([parameter], 0.1, nesterov: true));
    }

    [TestMethod]
    public void a_loaded_state_goes_on_where_the_saved_one_stood()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter first = Parameter(1), second = Parameter(1);
        using AdamW saved = optim.AdamW([first], lr: 0.1), loaded = optim.AdamW([second], lr: 0.7);
        Step(saved, first, 3);
        using MemoryStream file = new();
        using (BinaryWriter writer = new(file, System.Text.Encoding.UTF8, leaveOpen: true))
            saved.save_state_dict(writer);
        file.Position = 0;
        using BinaryReader reader = new(file);
        loaded.load_state_dict(reader);
        using (no_grad())
            second.copy_(first);
        Step(saved, first, -2);
        Step(loaded, second, -2);
        NNSupport.Near(first, second, 0);
        Assert.IsTrue(saved.state_dict().State[0].ApproximatelyEquals(loaded.state_dict().State[0]));
    }

    [TestMethod]
    public void a_state_of_another_optimizer_or_another_size_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = Parameter(1), other = Parameter(1);
        using Adam adam = optim.Adam([parameter]);
        using Adam both = optim.Adam([parameter, other]);
        using SGD sgd = optim.SGD([parameter], 0.1);
        using MemoryStream file = new();
        using (BinaryWriter writer = new(file, System.Text.Encoding.UTF8, leaveOpen: true))
            adam.save_state_dict(writer);
        file.Position = 0;
        using BinaryReader reader = new(file);
        Assert.ThrowsExactly<InvalidDataException>(() => sgd.load_state_dict(reader));
        Assert.ThrowsExactly<ArgumentException>(() => both.load_state_dict(adam.state_dict()));
    }

    [TestMethod]
    public void steps_leave_no_tensor_behind()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = Parameter(1);
        using AdamW optimizer = optim.AdamW([parameter], weight_decay: 0.1, amsgrad: true);
        Step(optimizer, parameter, 1);
        long before = Tensor.TotalCount;
        for (int i = 0; i < 5; i++)
            optimizer.step();
        Assert.AreEqual(before, Tensor.TotalCount);
    }

    private static Parameter Parameter(double value) => new(tensor(new[] { (float)value }));

    private static void Step(optim.Optimizer optimizer, Parameter parameter, double gradient)
    {
        parameter.grad = tensor(new[] { (float)gradient });
        optimizer.step();
    }
}
