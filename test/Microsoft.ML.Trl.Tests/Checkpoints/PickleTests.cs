using System.Text;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

/// <summary>Pickles that are programs, or that would fill the memory: each is refused by the name of what it does.</summary>
[TestClass]
public sealed class PickleTests
{
    [TestMethod]
    [DataRow("os", "system", "names 'os.system'")]
    [DataRow("builtins", "eval", "names 'builtins.eval'")]
    [DataRow("builtins", "getattr", "names 'builtins.getattr'")]
    [DataRow("torch._utils", "_rebuild_tensor", "names 'torch._utils._rebuild_tensor'")]
    [DataRow("torch", "load", "names 'torch.load'")]
    [DataRow("torch.storage", "_load_from_bytes", "names 'torch.storage._load_from_bytes'")]
    [DataRow("collections", "OrderedDict.__reduce__", "names 'collections.OrderedDict.__reduce__'")]
    [DataRow("torch", "ComplexFloatStorage", "names 'torch.ComplexFloatStorage'")]
    public void Names_outside_of_the_list_are_refused(string module, string name, string message)
    {
        byte[] pickle = new PickleBytes().Global(module, name).Op('(').Text("touch /tmp/hacked").Op('t').Op('R').Done();
        StringAssert.Contains(NotSupported(pickle), message);
        StringAssert.Contains(NotSupported(pickle), "collections.OrderedDict and torch.DoubleStorage");
    }

    [TestMethod]
    [DataRow("(S'touch /tmp/hacked'\nios\nsystem\n.", "the opcode STRING")]
    [DataRow("(ios\nsystem\n.", "the opcode INST")]
    [DataRow("(ccollections\nOrderedDict\no.", "the opcode OBJ")]
    [DataRow("ccollections\nOrderedDict\n)\u0081.", "the opcode NEWOBJ")]
    [DataRow("X\u0002\0\0\0osX\u0006\0\0\0system\u0093.", "the opcode STACK_GLOBAL")]
    [DataRow("\u0082\u0001.", "the opcode EXT1")]
    [DataRow("].", "the opcode EMPTY_LIST")]
    [DataRow("\u0095\0\0\0\0\0\0\0\u0001.", "the opcode FRAME")]
    [DataRow("\u0001.", "the unknown opcode 0x01")]
    [DataRow("\u0080\u0004.", "protocol 4 instead of 2")]
    [DataRow("}}b.", "BUILD of what is no ordered dictionary")]
    [DataRow("ccollections\nOrderedDict\n}b.", "BUILD of what is no ordered dictionary")]
    [DataRow("ccollections\nOrderedDict\n)RNb.", "BUILD of what is no ordered dictionary")]
    [DataRow("N)R.", "REDUCE of what is no function")]
    [DataRow("ccollections\nOrderedDict\nNR.", "REDUCE of what is no function, or without a tuple")]
    [DataRow("ctorch\nFloatStorage\n)R.", "calls torch.FloatStorage with 0 arguments")]
    [DataRow("ccollections\nOrderedDict\n)\u0085R.", "calls collections.OrderedDict with 1 arguments")]
    [DataRow("ctorch._utils\n_rebuild_parameter\n}\u0088}\u0087R.", "calls torch._utils._rebuild_parameter with 3 arguments")]
    [DataRow("ctorch._utils\n_rebuild_tensor_v2\n)R.", "calls torch._utils._rebuild_tensor_v2 with 0 arguments")]
    [DataRow("N(NNu.", "SETITEMS on what is no dictionary")]
    [DataRow("}K\u0001Ns.", "a key of a dictionary that is no text")]
    public void What_torch_save_does_not_write_is_refused(string pickle, string message) =>
        StringAssert.Contains(NotSupported(Encoding.Latin1.GetBytes(pickle)), message);

    [TestMethod]
    [DataRow("", "cut off")]
    [DataRow(".", "does not end with the one value")]
    [DataRow("NN.", "does not end with the one value")]
    [DataRow("(N.", "does not end with the one value")]
    [DataRow("N.N", "does not end with the one value")]
    [DataRow("t.", "a mark that is not there")]
    [DataRow("\u0085.", "more values than it has made")]
    [DataRow("N(\u0085.", "more values than it has made")]
    [DataRow("q\0.", "uses a value that it has not made")]
    [DataRow("Nq\u0001.", "remembers a value at place 1, but has 0 so far")]
    [DataRow("Nr\u00ff\u00ff\u00ff\u00ff.", "remembers a value at place 4294967295, but has 0 so far")]
    [DataRow("h\0.", "recalls place 0, but remembers only 0 values")]
    [DataRow("j\u00ff\u00ff\u00ff\u00ff.", "recalls place 4294967295")]
    [DataRow("X\u00ff\u00ff\u00ff\u00ff.", "cut off")]
    [DataRow("cos", "or is cut off")]
    [DataRow("M\0", "cut off")]
    [DataRow("\u008a\u0009\0\0\0\0\0\0\0\0\u0001.", "a number of 9 bytes")]
    [DataRow("NQ.", "no storage of torch.save")]
    [DataRow("}(X\u0001\0\0\0au.", "a key without a value")]
    [DataRow("}(X\u0001\0\0\0aNX\u0001\0\0\0aNu.", "the key 'a' twice")]
    public void Damaged_pickles_are_refused(string pickle, string message) =>
        StringAssert.Contains(Invalid(Encoding.Latin1.GetBytes(pickle)), message);

    [TestMethod]
    public void Depth_stack_and_names_have_their_limits()
    {
        StringAssert.Contains(Invalid(Repeated(")", "\u0085", 100)), "nests tuples deeper than 8 levels");
        StringAssert.Contains(Invalid(Repeated("", "(", 100)), "nested deeper than 64 levels");
        StringAssert.Contains(Invalid(Repeated("", "N", 100_000)), "more than 65536 values on the stack");
        StringAssert.Contains(Invalid(Repeated("c", "x", 100_000)), "more than 256 characters");
    }

    [TestMethod]
    public void Numbers_are_those_of_Python()
    {
        // BININT1 255, BININT2 65535, BININT -2, LONG1 of 1, 5 and 8 bytes: two's complement, lowest byte first
        byte[] pickle = Encoding.Latin1.GetBytes(
            "(K\u00ffM\u00ff\u00ffJ\u00fe\u00ff\u00ff\u00ff\u008a\u0001\u0080\u008a\u0005\0\0\0\0\u0001"
            + "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007ft.");
        var tuple = (PickleTuple)PickleMachine.Read(pickle, "here")!;
        CollectionAssert.AreEqual(new object[] { 255L, 65535L, -2L, -128L, 1L << 32, long.MaxValue }, tuple.Items);
    }

    private static byte[] Repeated(string start, string opcode, int count) =>
        Encoding.Latin1.GetBytes(start + string.Concat(Enumerable.Repeat(opcode, count)) + ".");

    private static string NotSupported(byte[] pickle) =>
        Assert.ThrowsExactly<NotSupportedException>(() => PickleMachine.Read(pickle, "here")).Message;

    private static string Invalid(byte[] pickle) =>
        Assert.ThrowsExactly<InvalidDataException>(() => PickleMachine.Read(pickle, "here")).Message;
}
