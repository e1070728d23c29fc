using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class OperatorCallTests
{
    private static Tensor RmsNorm(Tensor x, long width)
    {
        var call = new OperatorCall("aten::rms_norm"u8);
        call.Add(x);
        call.Add([width]);
        call.AddNone();
        call.AddOptional(1e-5);
        return call.RunToTensor();
    }

    [TestMethod]
    public void Result_joins_the_current_scope()
    {
        Tensor result;
        using (var scope = NewDisposeScope())
        {
            result = RmsNorm(ones(3), 3);
            Assert.AreEqual(2, scope.DisposablesCount);
        }
        Assert.IsTrue(result.IsInvalid);
    }

    [TestMethod]
    public void Error_names_the_operator_and_what_it_was_given()
    {
        using var scope = NewDisposeScope();
        var failure = Assert.ThrowsExactly<InvalidOperationException>(() => RmsNorm(ones(2, 3), 5));
        StringAssert.Contains(failure.Message, "aten::rms_norm(Float32[2, 3] on cpu, [5], none, 1E-05) failed: ");
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
        Assert.Throws<Exception>(() => RmsNorm(x, 2));
    }

    [TestMethod]
    public void Nothing_stays_of_calls() => Numbers.NoneLive(() =>
    {
        using var scope = NewDisposeScope();
        RmsNorm(ones(3), 3);
        Assert.ThrowsExactly<InvalidOperationException>(() => RmsNorm(ones(3), 5));
    });

    [TestMethod]
    public void Memory_of_calls_goes_back() => Numbers.DoesNotGrow(times: 100, megabytes: 400, () => // a leaked operand would make 1,600
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(4 << 20);
        FusedOptimizers.Sgd([x], [x], new FusedOptimizers.Step(1, 0));
        Functional.RmsNorm(x, x, 1e-5);
    });

    [TestMethod]
    public void Memory_of_failed_calls_goes_back() => Numbers.DoesNotGrow(times: 40, megabytes: 160, () => // a leak would make 640
    {
        using var scope = NewDisposeScope();
        Assert.ThrowsExactly<InvalidOperationException>(() => RmsNorm(ones(4 << 20), 5));
    });
}
