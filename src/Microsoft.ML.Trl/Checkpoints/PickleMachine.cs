using System.Buffers.Binary;
using System.Text;
using static Microsoft.ML.Trl.Checkpoints.FileBytes;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>
/// Reads the part of Python's pickle format that torch.save writes for tensors. It executes nothing: names are looked up in a short
/// list, and what stands for a call makes one of this library's records. Everything else is refused by its name.
/// </summary>
/// <remarks>Opcodes: protocol 2 in Python's pickletools.py. What they make is decided by <see cref="PickleValues"/>.</remarks>
internal ref struct PickleMachine
{
    /// <summary>Most values on the stack; torch.save needs some thousands, since it writes a dictionary in parts of a thousand.</summary>
    private const int HighestStack = 1 << 16;

    private const int MostMarks = 64, LongestName = 256;
    private const int Protocol = 2;

    private readonly string _source;
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private readonly List<object?> _memo = [];
    private ReadOnlySpan<byte> _rest;

    private PickleMachine(ReadOnlySpan<byte> pickle, string source)
    {
        _rest = pickle;
        _source = source;
    }

    /// <summary>The one value that a pickle describes.</summary>
    /// <param name="pickle">All of its bytes.</param>
    /// <param name="source">Name of the file for messages.</param>
    /// <exception cref="InvalidDataException">It is damaged, or larger or deeper than torch.save makes any.</exception>
    /// <exception cref="NotSupportedException">It has an opcode, names something or calls something that torch.save does not.</exception>
    public static object? Read(ReadOnlySpan<byte> pickle, string source)
    {
        PickleMachine machine = new(pickle, source);
        byte opcode;
        while ((opcode = machine.Take(1)[0]) != '.')
        {
            machine.Step(opcode);
            if (machine._stack.Count > HighestStack)
                throw Broken(source, $"its pickle puts more than {HighestStack} values on the stack; torch.save writes no such file");
        }
        return machine._stack.Count == 1 && machine._marks.Count == 0 && machine._rest.IsEmpty
            ? machine._stack[0]
            : throw Broken(source, "its pickle does not end with the one value that it describes");
    }

    private void Step(byte opcode)
    {
        switch ((char)opcode)
        {
            case '\x80': CheckProtocol(Take(1)[0]); break;
            case '(': Mark(); break;
            case '}': Push(new PickleDictionary(IsOrdered: false)); break;
            case ')': Push(PickleTuple.Empty); break;
            case 't': Push(PickleTuple.Of(TakeToMark(), _source)); break;
            case '\x85': Push(PickleTuple.Of(TakeTop(1), _source)); break;
            case '\x86': Push(PickleTuple.Of(TakeTop(2), _source)); break;
            case '\x87': Push(PickleTuple.Of(TakeTop(3), _source)); break;
            case 'N': Push(null); break;
            case '\x88': Push(true); break;
            case '\x89': Push(false); break;
            case 'K': Push((long)Take(1)[0]); break;
            case 'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case 'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case '\x8a': Push(TakeLong()); break;
            case 'X': Push(TakeText(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            case 'c': Push(PickleValues.Known(TakeLine(), TakeLine(), _source)); break;
            case 'q': Remember(Take(1)[0]); break;
            case 'r': Remember(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case 'h': Recall(Take(1)[0]); break;
            case 'j': Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case 's': SetItems(TakeTop(2)); break;
            case 'u': SetItems(TakeToMark()); break;
            case 'Q': Push(PickleValues.Persistent(TakeTop(1)[0], _source)); break;
            case 'R': Call(TakeTop(2)); break;
            case 'b': SetState(TakeTop(1)[0]); break;
            default: throw Refused(PickleOpcodes.NameOf(opcode));
        }
    }

    private readonly NotSupportedException Refused(string what) => new(
        $"'{_source}' holds a pickle with {what}, which torch.save does not write for tensors. Reading it could run a program, so it is "
        + "refused. Where you trust the file, load it in Python and save the tensors alone, best with safetensors.");

    private readonly void CheckProtocol(byte version)
    {
        if (version != Protocol)
            throw Refused($"protocol {version} instead of {Protocol}");
    }

    private readonly void Push(object? value) => _stack.Add(value);

    private readonly void Mark()
    {
        if (_marks.Count == MostMarks)
            throw Broken(_source, $"its pickle is nested deeper than {MostMarks} levels; torch.save writes no such file");
        _marks.Push(_stack.Count);
    }

    private readonly object?[] TakeToMark() => _marks.TryPop(out int mark) && mark <= _stack.Count
        ? TakeFrom(mark)
        : throw Broken(_source, "its pickle takes values up to a mark that is not there");

    private readonly object?[] TakeTop(int count)
    {
        int floor = _marks.TryPeek(out int mark) ? mark : 0;
        return _stack.Count - floor >= count
            ? TakeFrom(_stack.Count - count)
            : throw Broken(_source, "its pickle takes more values than it has made");
    }

    private readonly object?[] TakeFrom(int start)
    {
        object?[] values = [.. _stack.Skip(start)];
        _stack.RemoveRange(start, values.Length);
        return values;
    }

    private readonly object? Top() => _stack.Count > (_marks.TryPeek(out int mark) ? mark : 0)
        ? _stack[^1]
        : throw Broken(_source, "its pickle uses a value that it has not made");

    /// <summary>Python's pickler numbers what it remembers in the order of writing: a place beyond the next is none of its.</summary>
    private readonly void Remember(uint place)
    {
        object? value = Top();
        if (place > _memo.Count)
            throw Broken(_source, $"its pickle remembers a value at place {place}, but has {_memo.Count} so far");
        if (place == _memo.Count)
            _memo.Add(value);
        else
            _memo[(int)place] = value;
    }

    private readonly void Recall(uint place) => Push(place < _memo.Count
        ? _memo[(int)place]
        : throw Broken(_source, $"its pickle recalls place {place}, but remembers only {_memo.Count} values"));

    private readonly void SetItems(object?[] items)
    {
        if (Top() is not PickleDictionary dictionary)
            throw Refused("SETITEMS on what is no dictionary");
        if (items.Length % 2 != 0)
            throw Broken(_source, "its pickle gives a dictionary a key without a value");
        for (int i = 0; i < items.Length; i += 2)
        {
            if (items[i] is not string key)
                throw Refused("a key of a dictionary that is no text");
            if (!dictionary.Items.TryAdd(key, items[i + 1]))
                throw Broken(_source, $"its pickle gives a dictionary the key '{key}' twice");
        }
    }

    private readonly void Call(object?[] called) => Push(called[0] is PickleName name && called[1] is PickleTuple arguments
        ? PickleValues.Called(name, arguments.Items, _source)
        : throw Refused("REDUCE of what is no function, or without a tuple"));

    /// <summary>A module's state_dict is an ordered dictionary with an attribute that says which versions its modules have.</summary>
    private readonly void SetState(object? state)
    {
        if (Top() is not PickleDictionary { IsOrdered: true } || state is not PickleDictionary)
            throw Refused("BUILD of what is no ordered dictionary");
    }

    private ReadOnlySpan<byte> Take(uint count)
    {
        if (count > _rest.Length)
            throw Broken(_source, "its pickle is cut off");
        ReadOnlySpan<byte> taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private long TakeLong()
    {
        ReadOnlySpan<byte> bytes = Take(Take(1)[0]);
        if (bytes.Length is 0 or > sizeof(long))
            throw Broken(_source, $"its pickle holds a number of {bytes.Length} bytes; 1 to {sizeof(long)} are allowed");
        long value = (sbyte)bytes[^1];
        for (int i = bytes.Length - 2; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private string TakeText(uint length) => Encoding.UTF8.GetString(Take(length));

    private string TakeLine()
    {
        int end = _rest[..Math.Min(_rest.Length, LongestName)].IndexOf((byte)'\n');
        if (end < 0)
            throw Broken(_source, $"its pickle names something with more than {LongestName} characters, or is cut off");
        string line = TakeText((uint)end);
        Take(1);
        return line;
    }
}
