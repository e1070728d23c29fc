using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class OperatorCallTests
{
    private static Tensor Gelu(Tensor x, string form)
    {
        var call = new OperatorCall("aten::gelu"u8);
        call.Add(x);
        call.Add(form);
        return call.RunToTensor();
    }

    [TestMethod]
    public void Text_reaches_the_operator()
    {
        using var scope = NewDisposeScope();
        Tensor x = linspace(-3, 3, 50);
        Tensor expected = 0.5 * x * (1 + (Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x.pow(3)))).tanh());
        Numbers.Close(expected, Gelu(x, "tanh"), 1e-6);
    }

    [TestMethod]
    public void Result_joins_the_current_scope()
    {
        Tensor result;
        using (var scope = NewDisposeScope())
        {
            result = Gelu(ones(3), "none");
            Assert.AreEqual(2, scope.DisposablesCount);
        }
        Assert.IsTrue(result.IsInvalid);
    }

    [TestMethod]
    public void Overload_is_called_by_its_name()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2), y = ones(3);
        var call = new OperatorCall("aten::_foreach_mul_"u8, "Tensor"u8);
        call.Add([x, y]);
        call.Add(tensor(2.5f));
        call.Run();
        Numbers.Equal(full(2, 2.5f), x);
        Numbers.Equal(full(3, 2.5f), y);
    }

    [TestMethod]
    public void Error_names_the_operator_and_what_it_was_given()
    {
        using var scope = NewDisposeScope();
        var failure = Assert.ThrowsExactly<InvalidOperationException>(() => Gelu(ones(2, 3), "no such form"));
        StringAssert.Contains(failure.Message, "aten::gelu(Float32[2, 3] on cpu, \"no such form\") failed: ");
    }

    [TestMethod]
    public void Operator_that_libtorch_lacks_is_an_error()
    {
        var failure = Assert.ThrowsExactly<InvalidOperationException>(() => new OperatorCall("aten::no_such_operator"u8).Run());
        StringAssert.Contains(failure.Message, "aten::no_such_operator() failed");
    }

    [TestMethod]
    public void Export_that_libtorch_lacks_names_the_version_needed()
    {
        nint library = System.Runtime.InteropServices.NativeLibrary.GetMainProgramHandle();
        var failure = Assert.ThrowsExactly<NotSupportedException>(() => StableAbi.Export(library, "torch_call_dispatcher"));
        StringAssert.Contains(failure.Message, "needs libtorch 2.10 or newer");
    }

    [TestMethod]
    public void Disposed_tensor_is_refused_before_native_memory_is_made()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2);
        x.Dispose();
        Assert.Throws<Exception>(() => Gelu(x, "none"));
    }

    [TestMethod]
    public void Nothing_stays_of_calls() => Numbers.NoneLive(() =>
    {
        using var scope = NewDisposeScope();
        Gelu(ones(3), "none");
        Assert.ThrowsExactly<InvalidOperationException>(() => Gelu(ones(3), "no such form"));
    });

    [TestMethod]
    public void Memory_of_calls_goes_back() => Numbers.DoesNotGrow(times: 100, megabytes: 400, () => // a leaked operand would make 1,600
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(4 << 20);
        var call = new OperatorCall("aten::_foreach_mul_"u8, "Tensor"u8);
        call.Add([x, x]);
        call.Add(tensor(1f));
        call.Run();
        Functional.RmsNorm(x, x, 1e-5);
    });

    [TestMethod]
    public void Memory_of_failed_calls_goes_back() => Numbers.DoesNotGrow(times: 40, megabytes: 160, () => // a leak would make 640
    {
        using var scope = NewDisposeScope();
        Assert.ThrowsExactly<InvalidOperationException>(() => Gelu(ones(4 << 20), "no such form"));
    });
}
